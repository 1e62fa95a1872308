"""Guessing passwords."""

from concurrent.futures import ThreadPoolExecutor

import redis

from core.accounts.throttle import PER_ACCOUNT, PER_ADDRESS, Throttle, network


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
