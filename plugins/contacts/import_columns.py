"""What a file's columns can become, with the titles by which they are recognised in English and Persian."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l

from core import ImportColumn, fold
from core.records.transfer import cells
from plugins.contacts.models import FAX, HOME, INDUSTRIES, MOBILE, OTHER, STATUSES, WORK

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


def tag_names(cell: str) -> tuple[str, ...]:
    """Names of tags, without the groups that address books keep for themselves."""
    names = [" ".join(name.lstrip("* ").split())[:60] for name in _TAG_BREAK.split(cell)]
    return tuple(dict.fromkeys(name for name in names if name and fold(name) not in _SYSTEM_GROUPS))


REACH = (
    ImportColumn(
        name="mobile", label=_l("Mobile"), parse=cells.phones, sample="0912 345 6789",
        synonyms=("mobile phone", "mobile number", "cell", "cell phone", "cellphone", "موبایل", "همراه", "تلفن همراه",
                  "شماره موبایل", "شماره همراه", "شماره تلفن همراه", "گوشی"),
    ),
    ImportColumn(
        name="work_phone", label=_l("Work phone"), parse=cells.phones, sample="021 8877 6655",
        synonyms=("business phone", "office phone", "landline", "تلفن محل کار", "تلفن کار", "تلفن ثابت", "تلفن شرکت",
                  "تلفن دفتر", "شماره ثابت"),
    ),
    ImportColumn(name="home_phone", label=_l("Home phone"), parse=cells.phones,
                 synonyms=("تلفن منزل", "تلفن خانه")),
    ImportColumn(name="fax", label=_l("Fax"), parse=cells.phones,
                 synonyms=("business fax", "fax number", "فکس", "نمابر", "دورنگار", "شماره فکس")),
    ImportColumn(
        name="phone_1", label=_l("Phone 1"), parse=cells.phones,
        synonyms=("phone", "telephone", "tel", "phone number", "phones", "تلفن", "شماره تلفن", "شماره تماس", "شماره",
                  "تلفن ۱", "تلفن‌ها"),
    ),
    ImportColumn(name="phone_1_label", label=_l("Label of phone 1"), parse=label_code,
                 synonyms=("phone type", "phone label", "نوع تلفن", "برچسب تلفن")),
    ImportColumn(name="phone_2", label=_l("Phone 2"), parse=cells.phones, synonyms=("second phone", "تلفن ۲")),
    ImportColumn(name="phone_2_label", label=_l("Label of phone 2"), parse=label_code),
    ImportColumn(name="phone_3", label=_l("Phone 3"), parse=cells.phones, synonyms=("تلفن ۳",)),
    ImportColumn(name="phone_3_label", label=_l("Label of phone 3"), parse=label_code),
    ImportColumn(
        name="email_1", label=_l("E-mail 1"), parse=cells.emails, sample="sara@example.com",
        synonyms=("email", "e-mail", "mail", "email address", "e-mail address", "emails", "ایمیل", "پست الکترونیک",
                  "پست الکترونیکی", "رایانامه", "آدرس ایمیل", "نشانی ایمیل", "ایمیل ۱"),
    ),
    ImportColumn(name="email_1_label", label=_l("Label of e-mail 1"), parse=label_code),
    ImportColumn(name="email_2", label=_l("E-mail 2"), parse=cells.emails,
                 synonyms=("second email", "ایمیل ۲", "e-mail 2 address")),
    ImportColumn(name="email_2_label", label=_l("Label of e-mail 2"), parse=label_code),
    ImportColumn(name="email_3", label=_l("E-mail 3"), parse=cells.emails, synonyms=("ایمیل ۳", "e-mail 3 address")),
    ImportColumn(name="email_3_label", label=_l("Label of e-mail 3"), parse=label_code),
)  # fmt: skip

PLACE = (
    ImportColumn(name="street", label=_l("Street"), parse=cells.long_text(400),
                 synonyms=("address", "street address", "postal address", "آدرس", "نشانی", "خیابان", "آدرس پستی")),
    ImportColumn(name="city", label=_l("City"), parse=cells.text(80), sample="Shiraz",
                 synonyms=("town", "شهر", "شهرستان")),
    ImportColumn(name="province", label=_l("Province"), parse=cells.text(80),
                 synonyms=("state", "region", "county", "استان")),
    ImportColumn(name="postal_code", label=_l("Postal code"), parse=cells.text(20),
                 synonyms=("zip", "zip code", "postcode", "کد پستی", "کدپستی")),
    ImportColumn(name="country", label=_l("Country"), parse=cells.text(80), synonyms=("country/region", "کشور")),
    ImportColumn(name="address_label", label=_l("Label of the address"), parse=label_code),
)  # fmt: skip

HOME_PLACE = (
    ImportColumn(name="home_street", label=_l("Home street"), parse=cells.long_text(400),
                 synonyms=("home address", "آدرس منزل", "نشانی منزل")),
    ImportColumn(name="home_city", label=_l("Home city"), parse=cells.text(80)),
    ImportColumn(name="home_province", label=_l("Home province"), parse=cells.text(80)),
    ImportColumn(name="home_postal_code", label=_l("Home postal code"), parse=cells.text(20)),
    ImportColumn(name="home_country", label=_l("Home country"), parse=cells.text(80)),
)  # fmt: skip

REST = (
    ImportColumn(name="status", label=_l("Status"), parse=cells.choice(STATUSES, _STATUS_WORDS),
                 synonyms=("contact status", "وضعیت")),
    ImportColumn(name="tags", label=_l("Tags"), parse=tag_names,
                 synonyms=("tag", "labels", "categories", "category", "groups", "group", "برچسب", "برچسب‌ها", "گروه",
                           "گروه‌ها", "دسته", "دسته‌بندی")),
    ImportColumn(name="note", label=_l("Note"), parse=cells.long_text(20_000),
                 synonyms=("notes", "comment", "comments", "remarks", "description", "یادداشت", "یادداشت‌ها",
                           "توضیحات", "توضیح", "ملاحظات")),
)  # fmt: skip

PERSON_COLUMNS = (
    ImportColumn(name="first_name", label=_l("First name"), parse=cells.text(100), sample="Sara",
                 synonyms=("given name", "forename", "firstname", "fname", "نام", "نام کوچک", "اسم")),
    ImportColumn(name="middle_name", label=_l("Middle name"), parse=cells.text(60), synonyms=("additional name",)),
    ImportColumn(name="last_name", label=_l("Last name"), parse=cells.text(100), sample="Karimi",
                 synonyms=("family name", "surname", "lastname", "lname", "family", "نام خانوادگی", "فامیل",
                           "فامیلی", "نام فامیل")),
    ImportColumn(name="full_name", label=_l("Full name"), parse=cells.text(200),
                 synonyms=("name", "display name", "contact", "contact name", "person", "نام کامل",
                           "نام و نام خانوادگی", "نام مخاطب", "مخاطب", "نام شخص")),
    ImportColumn(name="company", label=_l("Company"), parse=cells.text(200), sample="Alborz Trading",
                 synonyms=("organization", "organisation", "company name", "organization name", "employer", "account",
                           "شرکت", "نام شرکت", "سازمان", "نام سازمان", "محل کار", "موسسه")),
    ImportColumn(name="job_title", label=_l("Job title"), parse=cells.text(120),
                 synonyms=("title", "position", "role", "job", "سمت", "عنوان شغلی", "شغل", "پست سازمانی")),
    *REACH, *PLACE, *HOME_PLACE,
    ImportColumn(name="birthday", label=_l("Birthday"), parse=cells.date, sample="1369/02/31",
                 synonyms=("birth date", "date of birth", "birthdate", "dob", "تاریخ تولد", "تولد")),
    *REST,
)  # fmt: skip

COMPANY_COLUMNS = (
    ImportColumn(name="name", label=_l("Name"), parse=cells.text(200), required=True, sample="Alborz Trading",
                 synonyms=("company", "company name", "organization", "organisation", "organization name",
                           "account", "account name", "شرکت", "نام شرکت", "سازمان", "نام سازمان", "نام", "عنوان")),
    ImportColumn(name="website", label=_l("Website"), parse=cells.url,
                 synonyms=("web", "web page", "url", "site", "homepage", "وبسایت", "وب‌سایت", "سایت", "تارنما")),
    ImportColumn(name="industry", label=_l("Industry"), parse=cells.choice(INDUSTRIES),
                 synonyms=("sector", "صنعت", "حوزه فعالیت")),
    ImportColumn(name="national_id", label=_l("National ID"), parse=cells.text(20),
                 synonyms=("registration number", "شناسه ملی", "شناسه ملی شرکت")),
    *REACH, *PLACE, *REST,
)  # fmt: skip
