// Passkeys: the form asks for a challenge, the browser's authenticator answers it, and the answer is sent as a plain form.
(() => {
  "use strict";

  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.PublicKeyCredential.parseCreationOptionsFromJSON;
  if (!able || !window.isSecureContext) return;

  for (const form of document.querySelectorAll("form[data-nv-passkey]")) {
    const trouble = form.querySelector("[data-nv-trouble]");
    form.hidden = false;

    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      trouble.hidden = true;
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const answer = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
        const told = await answer.json().catch(() => ({}));
        if (!answer.ok) throw new Error(told.error || form.dataset.failed);
        const credential = form.dataset.nvPasskey === "add"
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(told.options) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(told.options) });
        form.elements.token.value = told.token;
        form.elements.credential.value = JSON.stringify(credential.toJSON());
        form.submit();
      } catch (error) {
        // Cancelled, timed out, or no passkey here: the browser tells them apart to nobody.
        const own = error instanceof DOMException || error instanceof TypeError;
        trouble.querySelector("span").textContent = own ? form.dataset.failed : error.message;
        trouble.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
