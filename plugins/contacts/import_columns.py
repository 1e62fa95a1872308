"""What an import of contacts knows beyond the Catalog: titles in both languages, labels of other programs, names."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l

from core import ImportColumn, fold
from core.records.transfer import cells
from plugins.contacts.models import FAX, HOME, MOBILE, OTHER, STATUSES, WORK

_TAG_BREAK = re.compile(r"\s*(?::::|[,;،؛|\n])\s*")
# Groups that address books keep for themselves.
_SYSTEM_GROUPS = frozenset({"mycontacts", "starred", "friends family", "contacts"})
_LABEL_WORDS = (
    (FAX, ("fax", "فکس", "نمابر", "دورنگار")),
    (MOBILE, ("mobile", "cell", "iphone", "موبایل", "همراه")),
    (WORK, ("work", "business", "office", "main", "company", "کار", "اداره", "دفتر", "شرکت")),
    (HOME, ("home", "house", "منزل", "خانه")),
)
_STATUS_WORDS = {
    "lead": "prospect", "سرنخ": "prospect", "مشتری بالقوه": "prospect", "client": "customer", "مشتری": "customer",
    "شریک": "partner", "همکار": "partner", "vendor": "supplier", "تأمین‌کننده": "supplier", "فروشنده": "supplier",
    "inactive": "former", "غیرفعال": "former",
}  # fmt: skip


def label_code(cell: str) -> str:
    """The label of a number or address, from whatever another program calls it."""
    words = fold(cell.replace("*", " "))
    return next((code for code, names in _LABEL_WORDS if any(name in words for name in names)), OTHER)


def place_label(cell: str) -> str:
    """The label of an e-mail or postal address: of none of them does one say «mobile» or «fax»."""
    code = label_code(cell)
    return WORK if code in (MOBILE, FAX) else code


def tag_names(cell: str) -> tuple[str, ...]:
    """Names of tags, without the groups that address books keep for themselves."""
    names = [" ".join(name.lstrip("* ").split())[:60] for name in _TAG_BREAK.split(cell)]
    return tuple(dict.fromkeys(name for name in names if name and fold(name) not in _SYSTEM_GROUPS))


PARSE = {
    "phones.label": label_code,
    "emails.label": place_label,
    "addresses.label": place_label,
    "status": cells.choice(STATUSES, _STATUS_WORDS),
    "tags": tag_names,
}

REACH = {
    "phones.mobile.number": (
        "mobile", "mobile phone", "mobile number", "cell", "cell phone", "cellphone", "موبایل", "همراه", "تلفن همراه",
        "شماره موبایل", "شماره همراه", "شماره تلفن همراه", "گوشی",
    ),
    "phones.work.number": (
        "work phone", "business phone", "office phone", "landline", "تلفن محل کار", "تلفن کار", "تلفن ثابت",
        "تلفن شرکت", "تلفن دفتر", "شماره ثابت",
    ),
    "phones.home.number": ("home phone", "تلفن منزل", "تلفن خانه"),
    "phones.fax.number": ("fax", "business fax", "fax number", "فکس", "نمابر", "دورنگار", "شماره فکس"),
    "phones.1.number": (
        "phone", "phone 1", "telephone", "tel", "phone number", "phones", "تلفن", "شماره تلفن", "شماره تماس", "شماره",
        "تلفن ۱", "تلفن‌ها",
    ),
    "phones.1.label": ("phone type", "phone label", "phone 1 label", "نوع تلفن", "برچسب تلفن"),
    "phones.2.number": ("phone 2", "second phone", "تلفن ۲"),
    "phones.2.label": ("phone 2 label",),
    "phones.3.number": ("phone 3", "تلفن ۳",),
    "phones.3.label": ("phone 3 label",),
    "emails.1.address": (
        "email", "e-mail", "mail", "email 1", "e-mail 1", "email address", "e-mail address", "emails", "ایمیل",
        "پست الکترونیک", "پست الکترونیکی", "رایانامه", "آدرس ایمیل", "نشانی ایمیل", "ایمیل ۱",
    ),
    "emails.1.label": ("email label", "email type"),
    "emails.2.address": ("email 2", "e-mail 2", "second email", "ایمیل ۲", "e-mail 2 address"),
    "emails.3.address": ("email 3", "e-mail 3", "ایمیل ۳", "e-mail 3 address"),
    "addresses.1.street": ("street", "address", "street address", "postal address", "آدرس", "نشانی", "خیابان",
                           "آدرس پستی"),
    "addresses.1.province": ("province", "state", "region", "county", "استان"),
    "addresses.1.postal_code": ("postal code", "zip", "zip code", "postcode", "کد پستی", "کدپستی"),
    "addresses.1.country": ("country", "country/region", "کشور"),
    "addresses.1.label": ("address label", "address type"),
    "addresses.home.street": ("home street", "home address", "آدرس منزل", "نشانی منزل"),
    "city": ("town", "شهر", "شهرستان"),
    "status": ("contact status", "وضعیت"),
    "tags": ("tag", "labels", "categories", "category", "groups", "group", "برچسب", "برچسب‌ها", "گروه", "گروه‌ها",
             "دسته", "دسته‌بندی"),
}  # fmt: skip

PERSON_TITLES = REACH | {
    "first_name": ("given name", "forename", "firstname", "fname", "نام", "نام کوچک", "اسم"),
    "last_name": ("family name", "surname", "lastname", "lname", "family", "نام خانوادگی", "فامیل", "فامیلی",
                  "نام فامیل"),
    "company": ("organization", "organisation", "company name", "organization name", "employer", "account", "شرکت",
                "نام شرکت", "سازمان", "نام سازمان", "محل کار", "موسسه"),
    "job_title": ("title", "position", "role", "job", "سمت", "عنوان شغلی", "شغل", "پست سازمانی"),
    "birthday": ("birth date", "date of birth", "birthdate", "dob", "تاریخ تولد", "تولد"),
}  # fmt: skip

COMPANY_TITLES = REACH | {
    "name": ("company", "company name", "organization", "organisation", "organization name", "account",
             "account name", "شرکت", "نام شرکت", "سازمان", "نام سازمان", "نام", "عنوان"),
    "website": ("web", "web page", "url", "site", "homepage", "وبسایت", "وب‌سایت", "سایت", "تارنما"),
    "industry": ("sector", "صنعت", "حوزه فعالیت"),
    "national_id": ("registration number", "شناسه ملی", "شناسه ملی شرکت"),
}  # fmt: skip

SAMPLES = {
    "first_name": "Sara", "last_name": "Karimi", "name": "Alborz Trading", "company": "Alborz Trading",
    "phones.mobile.number": "0912 345 6789", "phones.work.number": "021 8877 6655",
    "emails.1.address": "sara@example.com", "city": "Shiraz", "birthday": "1369/02/31",
}  # fmt: skip

NAME_COLUMNS = (
    ImportColumn(name="full_name", label=_l("Full name"), parse=cells.text(200),
                 synonyms=("name", "display name", "contact", "contact name", "person", "نام کامل",
                           "نام و نام خانوادگی", "نام مخاطب", "مخاطب", "نام شخص")),
    ImportColumn(name="middle_name", label=_l("Middle name"), parse=cells.text(60), synonyms=("additional name",)),
)  # fmt: skip
