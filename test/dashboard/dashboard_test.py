#!/usr/bin/env python3
"""The dashboard in a browser.

EXPBUILD_DASHBOARD=http://HOST:PORT  the daemon to look at; without it a server of made-up data
EXPBUILD_PICTURES=FOLDER             every page as a PNG, light and dark, wide and narrow
"""
import os
import time
import unittest
import urllib.parse

from browser import Browser, Keys
from made_up import stamp
from stand_in import StandIn

REAL = os.environ.get("EXPBUILD_DASHBOARD", "").rstrip("/")
made_up_only = unittest.skipIf(REAL, "needs made-up data")


class Case(unittest.TestCase):
    options, browsers = {}, []

    def setUp(self):
        if not REAL:
            self.daemon = StandIn(**self.options)
            self.enterContext(self.daemon)
            self.world = self.daemon.world
        self.url = REAL or self.daemon.url
        if not Case.browsers:
            Case.browsers.append(Browser())
        self.browser = self.enterContext(Case.browsers[0].at(self.url))
        if REAL:  # one origin for all tests: what one has chosen is not the next one's
            self.browser.go("/ui/")
            self.browser.js("localStorage.clear(); sessionStorage.clear()")

    def first_action(self):
        """Some action's page, of a real daemon or of ours."""
        self.browser.go("/ui/actions")
        links = self.browser.all("td .name")
        return urllib.parse.urlsplit(links[0].get_attribute("href")).path if links else None

    def pages(self):
        named = {"overview": "/ui/", "queue": "/ui/queue", "workers": "/ui/workers", "actors": "/ui/actors", "actions": "/ui/actions",
                 "failed": "/ui/actions?filter=failed", "log": "/ui/log", "diff": "/ui/diff"}
        if not REAL:
            good = next(a for a in self.world.actions if a["outcome"] == "success")
            retried = self.world.retried["operationName"]
            named |= {"retried": f"/ui/action/{retried}", "good": f"/ui/action/{good['operationName']}", "waiting": f"/ui/action/{self.world.queued[0]['operationName']}",
                      "running": f"/ui/action/{self.world.running[0]['operationName']}", "diff_made": f"/ui/diff?a={good['operationName']}&b={retried}"}
        elif (path := self.first_action()):
            named["action"] = path
        return named


class EveryPage(Case):
    def test_it_renders_without_an_error_and_within_its_content_security_policy(self):
        for name, path in self.pages().items():
            with self.subTest(name):
                self.browser.go(path)
                self.browser.until(lambda: self.browser.text(".connection") == "live", "the page is live")
                self.assertTrue(self.browser.text("h1"))
                self.assertIn("ExpBuild", self.browser.driver.title)
                self.assertEqual(self.browser.wrong(), [])
                self.assertFalse(self.browser.all(".notice[role=alert]"), self.browser.text())

    def test_a_screen_reader_finds_landmarks_names_and_table_heads(self):
        for name, path in self.pages().items():
            with self.subTest(name):
                self.browser.go(path)
                self.assertEqual(self.browser.unnamed(), [])

    def test_it_fits_390_pixels_and_its_text_can_be_read_in_light_and_dark(self):
        grounds = set()
        for name, path in self.pages().items():
            self.browser.go(path)
            for width, dark in ((390, False), (390, True), (1280, True), (1280, False)):
                with self.subTest(f"{name} {width} {'dark' if dark else 'light'}"):
                    self.browser.look(width, dark=dark)
                    self.browser.picture(f"{name}-{width}-{'dark' if dark else 'light'}")
                    self.assertEqual(self.browser.too_wide(), [])
                    self.assertEqual(self.browser.low_contrast(), [])
                    grounds.add((dark, self.browser.js("return getComputedStyle(document.body).backgroundColor")))
        self.assertEqual(len(grounds), 2, grounds)

    def test_the_policy_forbids_what_is_inline_and_what_is_elsewhere(self):
        self.browser.go("/ui/")
        policy = self.browser.js("return fetch('/ui/').then(r => r.headers.get('Content-Security-Policy'))")
        self.assertIn("default-src 'self'", policy)
        self.assertNotIn("unsafe", policy)
        outside = self.browser.js("return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin))")
        self.assertEqual(outside, [])
        self.browser.allow("Content Security Policy")
        self.browser.allow("TrustedHTML")
        self.browser.allow("policy:")
        refused = self.browser.js("try { document.body.innerHTML = '<p>x</p>'; return false; } catch { return true; }")
        self.assertTrue(refused, "text was made into HTML")

    def test_a_path_that_is_no_page_says_so(self):
        self.browser.go("/ui/nonsense")
        self.browser.says("There is no such page")


class Keyboard(Case):
    def test_slash_searches_and_g_with_a_letter_goes_to_a_page(self):
        self.browser.go("/ui/")
        self.browser.until(lambda: self.browser.text(".connection") == "live", "the page is live")
        self.browser.press("/")
        self.browser.until(lambda: self.browser.focus().get_attribute("id") == "search", "the field has the keys")
        self.browser.press("failed", Keys.ENTER)
        self.browser.until(lambda: self.browser.path() == "/ui/actions?filter=failed", "the search is a filter")
        for letter, path in (("w", "/ui/workers"), ("q", "/ui/queue"), ("t", "/ui/actors"), ("l", "/ui/log"), ("a", "/ui/actions"), ("o", "/ui/")):
            self.browser.press("g", letter)
            self.browser.until(lambda: self.browser.path() == path, path)
            self.assertEqual(self.browser.focus().tag_name, "h1")

    def test_a_question_mark_tells_the_keys_and_they_can_be_switched_off(self):
        self.browser.go("/ui/")
        self.browser.press("?")
        self.browser.one("#keys [role=dialog]")
        self.browser.press(Keys.ESCAPE)
        self.assertFalse(self.browser.all("#keys"))
        self.browser.one(".keys-button").click()
        self.browser.one("#keys input").click()
        self.browser.press(Keys.ESCAPE)
        self.browser.press("g", "w")
        time.sleep(0.3)
        self.assertEqual(self.browser.path(), "/ui/")

    def test_tab_begins_at_a_link_that_skips_the_menu_and_focus_can_be_seen(self):
        self.browser.go("/ui/")
        self.browser.js("document.activeElement.blur()")
        self.browser.press(Keys.TAB)
        self.assertIn("skip", self.browser.focus().get_attribute("class"))
        self.browser.press(Keys.ENTER)
        self.assertEqual(self.browser.focus().get_attribute("id"), "main")
        self.browser.press(Keys.TAB)
        outline = self.browser.js("return getComputedStyle(document.activeElement).outlineStyle")
        self.assertEqual(outline, "solid")

    def test_back_leads_to_the_page_before(self):
        self.browser.go("/ui/workers")
        self.browser.one(".menu a[href='/ui/actions']").click()
        self.browser.says("Actions", "h1")
        self.browser.driver.back()
        self.browser.says("Workers", "h1")


@made_up_only
class Overview(Case):
    def test_it_says_in_words_what_is_wrong_and_what_to_do(self):
        self.browser.go("/ui/")
        self.browser.says("9 actions wait for a worker with gpu=yes, and there is none", ".health")
        self.browser.says("What to do: add such a worker", ".health")
        self.browser.one(".mark.error")

    def test_it_says_that_all_is_well_when_it_is(self):
        self.world.problems = lambda: []
        self.browser.go("/ui/")
        self.browser.says("All is well. 5 of 12 workers are busy, 17 actions wait.", ".health")

    def test_counts_and_lines_move_with_every_status(self):
        self.browser.go("/ui/")
        before = self.browser.one(".sparkline .line").get_attribute("d")
        self.world.actions = [a for a in self.world.actions if a["stage"] != "queued"]
        self.daemon.status()
        self.browser.until(lambda: self.browser.text(".tile .value") == "0", "nothing is queued")
        self.browser.until(lambda: self.browser.all(".sparkline .line")[0].get_attribute("d") != before, "the line goes on")

    def test_a_failure_and_a_dead_worker_appear_by_themselves(self):
        self.browser.go("/ui/")
        self.browser.one("#failures td .name")
        self.daemon.emit("action", dict(self.world.running[0], stage="completed", outcome="timeout", targetId="//just:now", endedAt=stamp(time.time_ns())))
        self.browser.one("#failures tbody tr:first-child", "//just:now")
        self.daemon.emit("worker", dict(self.world.workers[4], state="BACKOFF"))
        self.browser.one("#events tbody tr:first-child", "backoff")


@made_up_only
class Queue(Case):
    def test_every_waiting_action_has_its_reason(self):
        self.browser.go("/ui/queue")
        self.browser.says("17 actions wait, for 2 reasons")
        self.assertEqual(len(self.browser.all("tbody tr")), 17)
        self.browser.one("h2", "No worker offers gpu=yes")

    def test_the_workers_that_do_not_take_it_are_told_when_asked(self):
        self.browser.go("/ui/queue")
        self.assertFalse([p for _, p in self.daemon.asked if "explain" in p])
        self.browser.one("summary", "Why").click()
        self.browser.one("details td", "host-worker-1 .. host-worker-8")
        self.browser.one("details td", "gpu")
        self.daemon.status()  # drawing again keeps it open
        time.sleep(0.5)
        self.browser.one("details[open] td", "gpu")

    def test_what_gets_a_worker_leaves_and_what_comes_appears(self):
        self.browser.go("/ui/queue")
        action = self.world.queued[0]
        self.daemon.emit("action", dict(action, stage="executing", worker="host-worker-1", waitingFor=""))
        self.browser.says("16 actions wait")
        self.daemon.emit("action", dict(action, operationName="one-more-operation", waitingFor="its tenant's share is used up"))
        self.browser.says("17 actions wait, for 3 reasons")


@made_up_only
class Workers(Case):
    def test_they_stand_by_what_they_offer_and_change_by_themselves(self):
        self.browser.go("/ui/workers")
        self.assertEqual(len(self.browser.all("section.group")), 2)
        self.browser.one("tr#host-worker-8", "quarantined")
        self.daemon.emit("worker", dict(self.world.workers[7], state="IDLE"))
        self.browser.one("tr#host-worker-8", "idle")

    def test_draining_is_one_click_and_restarting_asks_first(self):
        self.browser.go("/ui/workers")
        self.browser.one("button[aria-label='Drain host-worker-1']").click()
        self.browser.says("host-worker-1 takes nothing more.")
        self.browser.one("tr#host-worker-1", "draining")
        self.browser.one("button[aria-label='Undrain host-worker-1']")
        self.browser.one("button[aria-label='Restart host-worker-2']").click()
        self.browser.one(".overlay [role=alertdialog]", "killed and queued again")
        self.browser.until(lambda: self.browser.focus().text == "Leave it", "the harmless button has the focus")
        self.assertFalse([p for _, p in self.daemon.asked if p.endswith("/restart")])
        self.browser.press(Keys.ESCAPE)
        self.browser.until(lambda: not self.browser.all(".overlay"), "the question is gone")
        self.assertEqual(self.browser.focus().get_attribute("aria-label"), "Restart host-worker-2")
        self.browser.one("button[aria-label='Restart host-worker-2']").click()
        self.browser.one(".overlay .danger").click()
        self.browser.says("host-worker-2 restarts.")
        self.assertIn(("POST", "/api/v1/workers/host-worker-2/restart"), self.daemon.asked)


@made_up_only
class WorkersOfAReadOnlyDaemon(Case):
    options = {"control": False}

    def test_there_is_no_button_to_control_them(self):
        self.browser.go("/ui/workers")
        self.browser.one("tr#host-worker-1")
        self.browser.until(lambda: ("GET", "/api/v1/features") in self.daemon.asked, "it was asked what is allowed")
        time.sleep(0.3)
        self.assertFalse(self.browser.all("td button"))


@made_up_only
class Actors(Case):
    def test_the_tree_shows_who_supervises_whom_and_where_messages_wait(self):
        self.browser.go("/ui/actors")
        self.browser.one("tr", "operation").find_element("css selector", ".depth")
        self.assertIn("1,204", self.browser.words(self.browser.one("tr[data-key=cas] .bad-text")))

    def test_the_heartbeat_of_the_server_has_them_fetched_again_and_nothing_else_does(self):
        self.daemon.beat = None
        self.browser.go("/ui/actors")
        count = lambda: sum(p == "/api/v1/actors" for _, p in self.daemon.asked)
        time.sleep(2.1)  # all in all less than what counts as silence
        before = count()
        time.sleep(1)
        self.assertEqual(count(), before)
        self.daemon.status()
        self.browser.until(lambda: count() == before + 1, "the actors were fetched again")


@made_up_only
class Actions(Case):
    def test_a_filter_is_in_the_address_and_an_address_is_a_filter(self):
        self.browser.go("/ui/actions")
        field = self.browser.one("#filter")
        field.send_keys("outcome=timeout  AND target=//web/console:app", Keys.ENTER)
        self.browser.until(lambda: "filter=outcome%3Dtimeout%20target" in self.browser.path(), "the address names it")
        self.browser.says("fit", ".lead")
        rows = len(self.browser.all("tbody tr"))
        self.browser.go(self.browser.path())
        self.assertEqual(self.browser.one("#filter").get_attribute("value"), "outcome=timeout target=//web/console:app")
        self.assertEqual(len(self.browser.all("tbody tr")), rows)

    def test_quick_filters_are_one_click(self):
        self.browser.go("/ui/actions")
        for label, text in (("Live", "23 actions fit"), ("Cache hits", "actions fit"), ("Failed", "actions fit"), ("Slow", "actions fit"), ("All", "the newest first")):
            self.browser.one(".chip", label).click()
            self.browser.says(text, ".lead")
            self.browser.one(".chip[aria-current]", label)

    def test_a_filter_that_is_none_says_what_there_is(self):
        self.browser.allow("400 (Bad Request)")
        self.browser.go("/ui/actions?filter=colour%3Dblue")
        self.browser.says("'colour' is no field to filter by; there are digest")

    def test_older_ones_are_a_page_further(self):
        self.browser.go("/ui/actions")
        first = self.browser.one("td .name").get_attribute("href")
        self.browser.one("a[rel=next]").click()
        self.browser.says("back to the newest")
        self.assertNotEqual(self.browser.one("td .name").get_attribute("href"), first)
        self.browser.one(".lead a").click()
        self.browser.until(lambda: self.browser.one("td .name").get_attribute("href") == first, "the newest again")

    def test_new_ones_that_fit_appear_without_a_reload(self):
        self.browser.go("/ui/actions?filter=mnemonic%3DJavac")
        rows = len(self.browser.all("tbody tr"))
        self.browser.js("document.querySelector('tbody tr:nth-child(2) .name').focus()")
        focused = self.browser.focus().get_attribute("href")
        fresh = dict(self.world.running[0], operationName="fresh-operation", targetId="//brand:new")
        self.daemon.emit("action", dict(fresh, actionMnemonic="CppLink"))
        self.daemon.emit("action", dict(fresh, operationName="fresh-operation-2", actionMnemonic="Javac"))
        self.browser.one("tbody tr:first-child", "//brand:new")
        self.assertEqual(len(self.browser.all("tbody tr")), rows + 1)
        self.assertEqual(self.browser.focus().get_attribute("href"), focused, "the reader lost the place")

    def test_what_has_ended_leaves_the_live_ones(self):
        self.browser.go("/ui/actions?filter=state%3Dlive")
        self.browser.says("23 actions fit")
        self.daemon.emit("action", dict(self.world.running[0], stage="completed", outcome="success"))
        self.browser.says("22 actions fit")


@made_up_only
class Action(Case):
    def open(self, action=None):
        self.browser.go(f"/ui/action/{(action or self.world.retried)['operationName']}")

    def test_it_tells_outcome_cause_attempts_and_outputs(self):
        self.open()
        self.browser.says("clang++ ended with exit code 1", ".why")
        self.browser.one(".waterfall .lost", "its runner was killed by signal 9")
        self.assertEqual(len(self.browser.all(".waterfall li")), 5)
        self.browser.one("#outputs .lead", "2 of 2 outputs are missing")
        self.browser.one("#compare del", "-O1")

    def test_a_hash_a_target_or_an_invocation_is_an_address_too(self):
        retried = self.world.retried
        for query in (retried["actionDigest"], retried["actionDigest"][:12], "//net/http:router"):
            self.browser.go(f"/ui/action/{urllib.parse.quote(query, safe='')}")
            self.browser.one("h1", "//net/http:router")

    def test_what_a_command_prints_stays_text_and_keeps_its_colours(self):
        self.open()
        self.browser.one(".printed", "<script>alert('printed by a command, never run')</script>")
        self.browser.one(".printed .ansi1", "error: ")
        self.assertEqual(len(self.browser.all("script")), 1)

    def test_long_output_is_cut_and_all_of_it_is_a_link(self):
        self.open()
        self.browser.says("The first 64 KiB of 88 KiB are shown.", "#printed")
        self.assertIn("limit=90000", self.browser.one("#printed h3 a[href*='limit=90000']").get_attribute("href"))

    def test_arrow_keys_walk_along_the_messages_to_causes_and_effects(self):
        self.open()
        self.browser.js("document.querySelector('.message[tabindex=\"0\"]').focus()")
        self.browser.press(Keys.ARROW_DOWN)
        self.browser.says("attach from dispatcher to operation", ".detail")
        self.assertEqual(self.browser.focus().get_attribute("aria-label"), "2: attach from dispatcher to operation, waited 50 µs, took 15 µs, handled")
        self.browser.press(Keys.ARROW_RIGHT)
        self.browser.says("get_result", ".detail strong")
        self.browser.press(Keys.ARROW_LEFT)
        self.browser.press(Keys.ARROW_LEFT)
        self.browser.says("It came from outside", ".detail")
        self.browser.press(Keys.END)
        self.browser.says("release", ".detail strong")
        self.browser.look(390)
        self.browser.press(Keys.ARROW_UP)
        self.browser.press(Keys.ARROW_UP)
        self.browser.says("retire", ".detail strong")
        self.browser.until(lambda: self.browser.js("return document.querySelector('.sequence').scrollLeft") > 100, "the arrow was brought into view")
        self.assertTrue(self.browser.all(".message.dim"))
        self.browser.press(Keys.ESCAPE)
        self.browser.until(lambda: not self.browser.all(".message.dim"), "nothing is chosen")

    def test_dropped_thrown_slow_and_what_happened_look_different(self):
        self.open()
        for kind, name in (("dropped", "check_health"), ("threw", "space_measured"), ("slow", "worker_gone"), ("event", "exited")):
            self.browser.one(f".message.{kind}", name)

    def test_repetitions_are_folded_and_open_by_key(self):
        self.open()
        fold = self.browser.one(".fold", "6 × heartbeat, heartbeat_seen")
        rows = len(self.browser.all(".message"))
        self.browser.js("arguments[0].focus()", fold)
        self.browser.press(Keys.ENTER)
        self.assertEqual(len(self.browser.all(".message")), rows + 12)
        self.assertEqual(self.browser.focus().get_attribute("aria-expanded"), "true")

    def test_the_diagram_zooms_and_stands_as_a_table_too(self):
        self.open()
        width = lambda: float(self.browser.one(".sequence .body").get_attribute("width"))
        before = width()
        self.browser.one("button[aria-label=Larger]").click()
        self.assertGreater(width(), before)
        self.browser.one("button[aria-label='Fit the width']").click()
        self.assertLess(width(), before)
        self.assertEqual(len(self.browser.all(".as-table tbody tr")), len(self.world.traces[self.world.retried["operationName"]]["events"]))

    def test_folders_of_the_input_tree_are_fetched_when_they_are_opened(self):
        self.open()
        asked = lambda: sum("/directory/" in p for _, p in self.daemon.asked)
        self.assertEqual(asked(), 0)
        self.browser.one("#inputs summary", "Show the files").click()
        self.browser.one("#inputs summary", "generated/").click()
        self.browser.one("#inputs button", "Show 20 more entries").click()
        self.browser.one("#inputs a", "part_319.h")
        self.assertEqual(asked(), 2)

    def test_the_script_and_the_trace_can_be_had(self):
        self.open()
        self.browser.one("#reproduce summary").click()
        self.browser.says("exec external/toolchain/bin/clang++", "#reproduce pre")
        self.browser.one("a[download][href*='format=chrome']")
        self.browser.one("a[download='reproduce.sh']")

    def test_it_is_compared_with_another_that_one_names(self):
        self.open()
        other = next(a for a in self.world.actions if a["outcome"] == "success")
        self.browser.one("#other").send_keys(other["operationName"], Keys.ENTER)
        self.browser.says("They differ in an input, an argument and the environment.")
        self.assertIn("/ui/diff?a=", self.browser.path())

    def test_it_goes_on_by_itself_until_it_has_ended(self):
        action = self.world.running[0]
        self.open(action)
        self.browser.one(".state .badge", "executing")
        self.browser.one("#outputs td", "file expected")
        action.update(stage="completed", outcome="success", status="OK", endedAt=stamp(time.time_ns()), executed={**action["executed"], "to": stamp(time.time_ns())})
        self.world.traces[action["operationName"]] = self.world.make_trace(action, False)
        self.daemon.emit("action", action)
        self.browser.one(".state .badge", "succeeded")
        self.browser.one(".message .name", "job_done")

    def test_one_that_is_forgotten_says_so(self):
        self.browser.allow("404 (Not Found)")
        self.browser.go("/ui/action/unknown-thing")
        self.browser.says("No action is known by 'unknown-thing'")


@made_up_only
class Log(Case):
    def test_it_follows_and_pauses(self):
        self.browser.go("/ui/log")
        self.browser.one(".line.warn")
        say = lambda text: self.daemon.emit("line", {"at": stamp(time.time_ns()), "level": "info", "module": "test", "message": text})
        say("the first of all")
        self.browser.one(".line", "the first of all")
        self.browser.one("button", "Pause").click()
        say("while it is paused")
        self.browser.one("button", "Go on (1 new line)")
        self.assertNotIn("while it is paused", self.browser.text(".log"))
        self.browser.one("button", "Go on").click()
        self.browser.one(".line", "while it is paused")

    def test_level_and_module_are_in_the_address(self):
        self.browser.go("/ui/log")
        self.browser.one("#level option[value=warn]").click()
        self.browser.until(lambda: self.browser.path() == "/ui/log?level=warn", "the address names the level")
        self.browser.one(".line.warn")
        self.browser.until(lambda: not self.browser.all(".line.info"), "only warnings are left")
        self.browser.one("#module").send_keys("pool", Keys.TAB)
        self.browser.until(lambda: self.browser.path() == "/ui/log?level=warn&module=pool", "the address names the module")

    def test_a_digest_leads_to_its_action(self):
        self.browser.go("/ui/log")
        self.browser.one(".line a").click()
        self.browser.until(lambda: self.browser.path().startswith("/ui/action/"), "an action is shown")
        self.browser.one(".why")


@made_up_only
class Connection(Case):
    def test_a_lost_server_is_told_and_found_again_without_a_reload(self):
        for text in ("503 (Service Unavailable)", "ERR_", "EventSource"):
            self.browser.allow(text)
        self.browser.go("/ui/actions")
        self.browser.says("live", ".connection")
        self.browser.js("window.__same = true")
        self.daemon.open = False
        self.daemon.hang_up()
        self.browser.says("not connected", ".connection")
        tries = lambda: sum(p.startswith("/api/v1/watch") for _, p in self.daemon.asked)
        self.browser.until(lambda: tries() >= 4, "the page tries again by itself, three times")
        fresh = self.world.make_action(3, 0, stage="executing", outcome="", status="", targetId="//while:away")
        self.world.actions.insert(0, self.world.actions.pop())
        self.world.describe(fresh, 3)
        self.daemon.open = True
        self.browser.one(".offline button").click()  # the next try by itself is seconds away
        self.browser.says("live", ".connection")
        self.browser.until(lambda: not self.browser.all(".offline"), "the banner is gone")
        self.browser.one("tbody tr:first-child", "//while:away")
        self.assertTrue(self.browser.js("return window.__same"))

    def test_a_server_that_falls_silent_counts_as_lost(self):
        self.browser.go("/ui/")
        self.browser.says("live", ".connection")
        self.daemon.beat = None
        self.browser.says("Not connected", ".offline")
        self.assertEqual(self.browser.low_contrast(), [])
        self.daemon.beat = 1
        self.browser.says("live", ".connection")

    def test_a_server_that_cannot_answer_is_told_with_a_way_to_try_again(self):
        self.browser.allow("503 (Service Unavailable)")
        self.browser.go("/ui/")
        self.daemon.open = False
        self.browser.one(".menu a[href='/ui/queue']").click()  # which asks once, until it is told to ask again
        self.browser.says("Not serving: starting or stopping")
        self.daemon.open = True
        self.browser.one("button", "Try again").click()
        self.browser.one("h2", "No worker offers gpu=yes")

    def test_a_page_that_is_left_holds_no_connection_and_has_one_again_on_the_way_back(self):
        for path in ("/ui/", "/ui/queue", "/ui/workers", "/ui/log", "/ui/actions"):
            self.browser.go(path)
        self.browser.until(lambda: len(self.daemon.watchers) == 1, "one page watches")
        before = set(self.daemon.loggers)
        self.browser.driver.back()
        self.browser.until(lambda: self.daemon.loggers - before, "the log is followed again")
        self.browser.says("live", ".connection")
        self.daemon.emit("line", {"at": stamp(time.time_ns()), "level": "info", "module": "test", "message": "seen on the way back"})
        self.browser.one(".line", "seen on the way back")

    def test_events_that_were_left_out_have_the_page_fetched_again(self):
        self.browser.go("/ui/actions")
        count = lambda: sum(p.startswith("/api/v1/actions?") for _, p in self.daemon.asked)
        before = count()
        self.daemon.emit("lost", {"events": "3"})
        self.browser.until(lambda: count() == before + 1, "the list was fetched again")


if __name__ == "__main__":
    unittest.main()
