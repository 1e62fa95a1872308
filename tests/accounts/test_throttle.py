"""Guessing passwords."""

from concurrent.futures import ThreadPoolExecutor

import redis

from core.accounts.throttle import (
    ANYWHERE,
    PER_ACCOUNT,
    PER_ADDRESS,
    PER_BROWSER,
    REQUESTS_PER_TOKEN,
    Throttle,
    network,
)


def fail_from_everywhere(installation, count=ANYWHERE.amount):
    """Strangers at many addresses guess the salesperson's password."""
    answers = []
    for number in range(count):
        stranger = installation.browser(f"198.51.100.{number}")
        answers.append(stranger.sign_in(installation.sales[0], "wrong password").status_code)
    return answers


def test_sixth_wrong_password_waits(installation):
    browser = installation.browser()
    for _ in range(5):
        assert browser.sign_in(installation.sales[0], "wrong password").status_code == 200
    refused = browser.sign_in(*installation.sales)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert "Too many attempts. Please try again in a few minutes." in refused.text
    assert not browser.is_signed_in
    assert browser.sign_in(*installation.admin).status_code == 302
    assert installation.browser("192.0.2.9").sign_in(*installation.sales).status_code == 302


def test_right_passwords_do_not_count(installation):
    browser = installation.browser()
    for _ in range(8):
        assert browser.sign_in(*installation.sales).status_code == 302
        browser.sign_out()


def test_unknown_accounts_are_counted_alike(installation):
    browser = installation.browser()
    answers = [browser.sign_in("nobody@example.com", "wrong password").status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_processes_share_the_count(redis_server):
    here, there = Throttle(redis_server.url), Throttle(redis_server.url)
    assert [shared.begin("shared", "192.0.2.77") for shared in (here, there, here, there, here)] == [0] * 5
    assert there.begin("shared", "192.0.2.77") > 0


def test_one_address_cannot_try_every_account(redis_server):
    throttle = Throttle(redis_server.url)
    answers = [throttle.begin(f"person {number}", "192.0.2.78") for number in range(PER_ADDRESS.amount + 1)]
    assert not any(answers[:-1])
    assert answers[-1] > 0


def test_guesses_at_the_same_moment_do_not_slip_through(redis_server):
    throttle = Throttle(redis_server.url)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: throttle.begin("rushed", "192.0.2.79"), range(64)))
    assert answers.count(0) <= PER_ACCOUNT.amount


def test_window_ends_by_itself_and_is_not_prolonged(redis_server):
    throttle = Throttle(redis_server.url)
    for _ in range(20):
        throttle.begin("patient", "192.0.2.80")
    with redis.Redis.from_url(redis_server.url) as connection:
        lives = [connection.ttl(key) for key in connection.keys("*sign-in-account*")]
    assert lives
    assert all(0 < seconds <= 300 for seconds in lives)


def test_counting_goes_on_while_redis_is_away(tmp_path):
    throttle = Throttle(f"unix://{tmp_path}/nowhere.sock")
    assert [throttle.begin("sara", "192.0.2.81") for _ in range(5)] == [0] * 5
    assert throttle.begin("sara", "192.0.2.81") > 0
    assert throttle.begin("sara", "192.0.2.82") == 0


def test_person_signs_in_while_redis_is_away(install, tmp_path):
    installation = install(redis_url=f"unix://{tmp_path}/nowhere.sock")
    installation.add(*installation.sales)
    assert installation.browser().sign_in(*installation.sales).status_code == 302


def test_one_ipv6_customer_is_one_place():
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.1") == "192.0.2.1"
    assert network("") == "unknown"


def test_many_addresses_on_one_account_are_slowed_down(installation):
    assert set(fail_from_everywhere(installation)) == {200}
    refused = installation.browser("203.0.113.77").sign_in(*installation.sales)
    assert refused.status_code == 429
    assert 300 < int(refused.headers["Retry-After"]) <= 900
    # Others are not held up by it.
    assert installation.browser("203.0.113.77").sign_in(*installation.admin).status_code == 302


def test_crowd_cannot_keep_a_known_browser_out(installation):
    hers = installation.browser("192.0.2.50")
    assert hers.sign_in(*installation.sales).status_code == 302
    hers.sign_out()
    fail_from_everywhere(installation)
    # On the road, at an address that the crowd has used up as well.
    hers.client.environ_base["REMOTE_ADDR"] = "198.51.100.0"
    assert hers.sign_in(*installation.sales).status_code == 302
    assert installation.browser("198.51.100.1").sign_in(*installation.sales).status_code == 429


def test_crowd_cannot_keep_a_new_browser_out_at_an_address_where_the_person_is_signed_in(installation):
    office = installation.browser("192.0.2.50")
    assert office.sign_in(*installation.sales).status_code == 302
    fail_from_everywhere(installation)
    assert installation.browser("192.0.2.50").sign_in(*installation.sales).status_code == 302
    assert installation.browser("192.0.2.51").sign_in(*installation.sales).status_code == 429


def test_failures_of_a_neighbour_at_the_same_address_do_not_keep_a_known_browser_out(installation):
    hers, neighbour = installation.browser(), installation.browser()
    hers.sign_in(*installation.sales)
    hers.sign_out()
    answers = [neighbour.sign_in(installation.sales[0], "wrong password").status_code for _ in range(6)]
    assert answers[-1] == 429
    assert hers.sign_in(*installation.sales).status_code == 302


def test_known_browser_has_few_guesses_too(installation):
    hers = installation.browser()
    hers.sign_in(*installation.sales)
    hers.sign_out()
    answers = [hers.sign_in(installation.sales[0], "wrong password").status_code for _ in range(PER_BROWSER.amount + 1)]
    assert answers == [200] * PER_BROWSER.amount + [429]
    # Known for one account, it is a stranger to the other.
    assert hers.sign_in(*installation.admin).status_code == 302


def test_cookie_of_a_known_browser_cannot_be_made_up(installation):
    hers = installation.browser("192.0.2.50")
    hers.sign_in(*installation.sales)
    cookie = hers.client.get_cookie("peyvand_browser")
    assert cookie.http_only
    assert installation.sales[0] not in cookie.value
    fail_from_everywhere(installation)
    for forged in ("", "x", cookie.value[:-2] + "xx", cookie.value.split(".")[0]):
        stranger = installation.browser("203.0.113.9")
        stranger.client.set_cookie("peyvand_browser", forged)
        assert stranger.sign_in(*installation.sales).status_code == 429


def test_strangers_do_not_keep_a_signed_in_person_from_changing_the_password(installation):
    hers = installation.browser("192.0.2.50")
    hers.sign_in(*installation.sales)
    fail_from_everywhere(installation)
    secret = "a completely new secret"
    fields = {"password": installation.sales[1], "new_password": secret, "new_password_confirm": secret}
    assert hers.post("/profile/password", **fields).status_code == 302


def test_requests_of_a_token_are_counted_together_and_also_while_redis_is_away(redis_server, tmp_path):
    one, other = Throttle(redis_server.url), Throttle(redis_server.url)
    waits = [process.count_request(7) for _time in range(REQUESTS_PER_TOKEN.amount // 2) for process in (one, other)]
    assert waits == [0] * REQUESTS_PER_TOKEN.amount
    assert 1 <= one.count_request(7) <= 60
    assert one.count_request(8) == 0
    alone = Throttle(f"unix://{tmp_path}/nothing")
    waits = [alone.count_request(7) for _time in range(REQUESTS_PER_TOKEN.amount + 1)]
    assert [wait > 0 for wait in waits] == [False] * REQUESTS_PER_TOKEN.amount + [True]
