// The date picker, in the reader's own calendar. The server reads the same text without it.
// A day is counted from 1970-01-01; everything is a calendar date, never a moment.
(() => {
  "use strict";

  const { icon, labels, localDigits, one } = window.nova;

  const MILLISECONDS = 86400000;
  const remainder = (value, by) => ((value % by) + by) % by;
  const weekday = (day) => remainder(day + 4, 7); // 0 is Sunday; day 0 was a Thursday

  const gregorian = {
    toDay: (year, month, date) => Date.UTC(year, month - 1, date) / MILLISECONDS,
    fromDay(day) {
      const time = new Date(day * MILLISECONDS);
      return [time.getUTCFullYear(), time.getUTCMonth() + 1, time.getUTCDate()];
    },
    weekStart: 1,
    weekend: [6, 0],
    name: "gregory",
  };

  // Leap years follow the 33-year cycle, which is the official calendar for every year from 1178 to 1501.
  const FIRST_DAY = -492268; // 1 Farvardin of year 1 is day FIRST_DAY + 1 in the count above
  const newYear = (year) => FIRST_DAY + 365 * (year - 1) + Math.floor((8 * year + 21) / 33);
  const jalali = {
    toDay: (year, month, date) => newYear(year) + (month <= 7 ? 31 * (month - 1) : 30 * (month - 1) + 6) + date - 1,
    fromDay(day) {
      let year = Math.floor((day - FIRST_DAY) / 365.2422) + 1;
      while (newYear(year) > day) year -= 1;
      while (newYear(year + 1) <= day) year += 1;
      const offset = day - newYear(year);
      const month = offset < 186 ? Math.floor(offset / 31) + 1 : Math.floor((offset - 6) / 30) + 1;
      return [year, month, day - jalali.toDay(year, month, 1) + 1];
    },
    weekStart: 6,
    weekend: [5],
    name: "persian",
  };

  const calendarOf = (input) => (input.dataset.nvDate === "persian" ? jalali : gregorian);
  const nextMonth = (year, month) => (month === 12 ? [year + 1, 1] : [year, month + 1]);
  const monthLength = (calendar, year, month) =>
    calendar.toDay(...nextMonth(year, month), 1) - calendar.toDay(year, month, 1);

  function today() {
    const now = new Date();
    return gregorian.toDay(now.getFullYear(), now.getMonth() + 1, now.getDate());
  }

  /** The day that a text means, or null. The year tells the calendar, as it does on the server. */
  function parse(text) {
    const latin = text
      .replace(/[۰-۹]/g, (digit) => digit.codePointAt(0) - 0x6f0)
      .replace(/[٠-٩]/g, (digit) => digit.codePointAt(0) - 0x660)
      .trim();
    const match = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(latin);
    if (!match) return null;
    const [year, month, date] = match.slice(1).map(Number);
    if (year >= 1200 && year < 1600) return jalali.toDay(year, month, date);
    return year >= 1700 ? gregorian.toDay(year, month, date) : null;
  }

  function format(day, calendar) {
    const [year, month, date] = calendar.fromDay(day);
    const parts = [year, String(month).padStart(2, "0"), String(date).padStart(2, "0")];
    return calendar === jalali ? localDigits(parts.join("/")) : parts.join("-");
  }

  const locale = labels.language === "fa" ? "fa-IR" : "en";

  function monthTitle(calendar, year, month) {
    const name = new Intl.DateTimeFormat(`${locale}-u-ca-${calendar.name}`, { month: "long", timeZone: "UTC" });
    return `${name.format(calendar.toDay(year, month, 1) * MILLISECONDS)} ${localDigits(year)}`;
  }

  function weekdayNames(calendar) {
    const name = new Intl.DateTimeFormat(locale, { weekday: "narrow", timeZone: "UTC" });
    const sunday = 3; // 1970-01-04
    return Array.from({ length: 7 }, (_, index) => name.format((sunday + calendar.weekStart + index) * MILLISECONDS));
  }

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  class Picker {
    constructor(input) {
      this.input = input;
      this.calendar = calendarOf(input);
      this.chosen = parse(input.value);
      this.focused = this.chosen ?? today();
      [this.year, this.month] = this.calendar.fromDay(this.focused);
      this.box = element("div", { class: "nv-cal", popover: "manual", role: "dialog", "aria-label": labels.pick });
      this.box.addEventListener("click", (event) => this.onClick(event));
      this.box.addEventListener("keydown", (event) => this.onKey(event));
      // A dialog or an open menu would close, or cover the picker, if it lived outside.
      (input.closest("dialog, .dropdown-menu") ?? document.body).append(this.box);
      this.draw();
      this.box.showPopover();
      this.place();
    }

    draw(takeFocus = false) {
      const step = (by, label, name) =>
        element("button", { type: "button", class: "btn-ic sm", "data-step": by, "aria-label": label }, icon(name, "flip"));
      const shortcut = (day, label) => element("button", { type: "button", class: "btn btn-link btn-sm", "data-day": day }, label);
      this.box.replaceChildren(
        element("div", { class: "nv-cal-head" },
          step(-1, labels.previous, "chevron-left"),
          element("span", { "aria-live": "polite" }, monthTitle(this.calendar, this.year, this.month)),
          step(1, labels.next, "chevron-right")),
        element("table", {},
          element("thead", {}, element("tr", {}, ...weekdayNames(this.calendar).map((name) => element("th", { scope: "col" }, name)))),
          element("tbody", {}, ...this.weeks())),
        element("div", { class: "nv-cal-foot" }, shortcut(today(), labels.today), shortcut("", labels.clear)),
      );
      if (takeFocus) one(`td [data-day="${this.focused}"]`, this.box)?.focus();
    }

    weeks() {
      const first = this.calendar.toDay(this.year, this.month, 1);
      const length = monthLength(this.calendar, this.year, this.month);
      const rows = [];
      for (let day = first - remainder(weekday(first) - this.calendar.weekStart, 7); day < first + length; day += 7) {
        const cells = Array.from({ length: 7 }, (_, index) => this.cell(day + index, day + index - first + 1, length));
        rows.push(element("tr", {}, ...cells));
      }
      return rows;
    }

    cell(day, date, length) {
      if (date < 1 || date > length) return element("td");
      const button = element("button", {
        type: "button",
        "data-day": day,
        tabindex: day === this.focused ? 0 : -1,
        "aria-pressed": day === this.chosen,
      }, localDigits(date));
      if (day === today()) button.setAttribute("aria-current", "date");
      return element("td", this.calendar.weekend.includes(weekday(day)) ? { class: "weekend" } : {}, button);
    }

    place() {
      const field = this.input.getBoundingClientRect();
      const box = this.box.getBoundingClientRect();
      const above = field.bottom + box.height + 8 > innerHeight && field.top > box.height;
      const top = above ? field.top - box.height - 4 : Math.min(field.bottom + 4, innerHeight - box.height - 4);
      const left = document.dir === "rtl" ? field.right - box.width : field.left;
      this.box.style.top = `${top}px`;
      this.box.style.left = `${Math.max(4, Math.min(left, innerWidth - box.width - 4))}px`;
    }

    stepMonth(by) {
      const months = this.year * 12 + this.month - 1 + by;
      [this.year, this.month] = [Math.floor(months / 12), remainder(months, 12) + 1];
    }

    choose(day) {
      this.input.value = day === "" ? "" : format(Number(day), this.calendar);
      for (const kind of ["input", "change"]) this.input.dispatchEvent(new Event(kind, { bubbles: true }));
      close(true);
    }

    onClick(event) {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.step) {
        this.stepMonth(Number(button.dataset.step));
        this.draw();
        one(`[data-step="${button.dataset.step}"]`, this.box).focus();
      } else {
        this.choose(button.dataset.day);
      }
    }

    onKey(event) {
      const forward = document.dir === "rtl" ? -1 : 1;
      const days = { ArrowLeft: -forward, ArrowRight: forward, ArrowUp: -7, ArrowDown: 7 }[event.key];
      const months = { PageUp: -1, PageDown: 1 }[event.key];
      if (days && event.target.closest("td")) {
        this.focused += days;
        [this.year, this.month] = this.calendar.fromDay(this.focused);
      } else if (months) {
        this.stepMonth(months);
        this.focused = this.calendar.toDay(this.year, this.month, 1);
      } else {
        return;
      }
      event.preventDefault();
      this.draw(true);
    }
  }

  let picker = null;

  function close(returnFocus) {
    if (!picker) return;
    const { box, input } = picker;
    picker = null;
    box.remove();
    if (returnFocus) input.focus();
  }

  function open(input) {
    if (picker?.input === input) return;
    close(false);
    picker = new Picker(input);
  }

  document.addEventListener("click", (event) => {
    const input = event.target.closest?.("[data-nv-date]");
    if (input && !input.readOnly && !input.disabled) open(input);
    else if (picker && event.target.isConnected && !picker.box.contains(event.target)) close(false);
  });
  document.addEventListener("focusin", (event) => {
    if (picker && event.target !== picker.input && !picker.box.contains(event.target)) close(false);
  });
  document.addEventListener("keydown", (event) => {
    const input = event.target.closest?.("[data-nv-date]");
    if (input && event.key === "ArrowDown") {
      event.preventDefault();
      open(input);
      picker.draw(true);
    }
  });
  // On the window, because Bootstrap's menus listen for Escape on the document first.
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !picker) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    close(true);
  }, true);

  window.nova.onContent((root) => {
    for (const input of window.nova.all("[data-nv-date]", root)) input.setAttribute("aria-haspopup", "dialog");
  });
  window.nova.dates = { format, gregorian, jalali, parse };
})();
