/* SPDX-License-Identifier: MIT */
/* Keys of others, asked about over streams that we open (XEP-0220): whose answer counts, and for
 * what. */
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

/* --- the keys of others: XEP-0220 steps 2 and 3 ----------------------------------------------- */

#define KEY(from, to, id, type)                                                                    \
	"<db:verify from='" from "' to='" to "' id='" id "' type='" type "'/>"

static const struct verdict {
	const char *say, *hear; /* %s: the id */
	bool ends;
} verdicts[] = {
	{"<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='valid'/>", "type='valid'/>",
	 false},
	{"<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='invalid'/>", "type='invalid'/>",
	 true},
	{"<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='error'/>",
	 "type='error'><error type='cancel'><remote-server-not-found ", false},
	{"<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='what'/>",
	 "type='error'><error type='cancel'><remote-server-not-found ", false},
	{"</stream:stream>", "type='error'><error type='wait'><remote-server-timeout ", false},
	{"<stream:error><system-shutdown "
	 "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	 "type='error'><error type='wait'><remote-server-timeout ", false},
	{"no XML", "type='error'><error type='wait'><remote-server-timeout ", false},
	{NULL, "type='error'><error type='wait'><remote-server-timeout ", false}, /* it breaks */
};

/* Somebody gives us a key of REMOTE's; asker hears the verdict, asked is REMOTE. */
static char *asked_for(struct wire *w, struct end **asker, struct end **asked)
{
	char *id;

	*asker = end_in(w);
	end_say(*asker, GOOD_HEAD);
	end_hears(*asker, "</stream:features>");
	id = xstrdup(wire_stream(w)->id);
	end_say(*asker, "<db:result from='" REMOTE "' to='" OWN "'>the key</db:result>");
	*asked = wire_opened(w);
	end_say(*asked, THEIRS FEATURES(DIALBACK));
	end_hears(*asked, "<db:verify from='" OWN "' to='" REMOTE "' id='");
	end_hears(*asked, id);
	end_hears(*asked, "'>the key</db:verify>");
	/* It is asked, and nothing else is wanted of it. */
	ck_assert(!end_heard(*asked, "<db:result"));
	return id;
}

START_TEST(test_verdicts)
{
	const struct verdict *v = &verdicts[_i];
	struct wire *w = wire_new(CLEAR);
	struct end *asker, *asked;
	char *id = asked_for(w, &asker, &asked), *say;

	if (v->say) {
		const char *hole = strstr(v->say, "%s");

		say = hole ? xasprintf("%.*s%s%s", (int)(hole - v->say), v->say, id, hole + 2)
			   : xstrdup(v->say);
		end_say(asked, say);
		free(say);
	} else {
		end_free(asked);
		asked = NULL;
	}
	end_hears(asker, "<db:result from='" OWN "' to='" REMOTE "' ");
	end_hears(asker, v->hear);
	end_say(asker, "<message from='a@" REMOTE "' to='b@" OWN "'/>");
	if (_i == 0)
		wire_await(w, w->x.stats.stanzas_in == 1);
	else if (!v->ends)
		end_hears(asker, "<not-authorized ");
	if (v->ends)
		end_closes(asker);
	ck_assert_uint_eq(w->x.stats.stanzas_in, _i == 0);
	end_free(asker);
	end_free(asked);
	free(id);
	wire_free(w);
}
END_TEST

/* Who says to be of domains that are nowhere keeps nobody out. */
START_TEST(test_many_that_are_nowhere)
{
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 60s\n max_streams = 3 }");
	struct end *asker = end_in(w), *asked;

	end_say(asker, GOOD_HEAD);
	end_hears(asker, "</stream:features>");
	for (int i = 0; i < 20; i++) {
		char *say =
			xasprintf("<db:result from='n%d.example' to='" OWN "'>key</db:result>", i);

		end_say(asker, say);
		end_hears(asker, "type='error'><error type='cancel'><remote-server-not-found ");
		free(say);
	}
	ck_assert_uint_eq(HASH_COUNT(w->x.pairs), 6);
	wire_message(w, REMOTE, "m");
	asked = wire_opened(w);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	end_free(asker);
	end_free(asked);
	wire_free(w);
}
END_TEST

/* Whose key is asked about for long takes nothing from what those may send who are proven. */
START_TEST(test_rate_behind_one_that_waits)
{
	struct wire *w = wire_new("s2s { tls = optional\n rate_bytes = 1000\n rate_burst = 1s }");
	struct end *asker = end_in(w), *silent, *asked;
	char *say;

	end_say(asker, GOOD_HEAD);
	end_hears(asker, "</stream:features>");
	say = xasprintf("<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='valid'/>",
			wire_stream(w)->id);
	end_say(asker, RESULT(BESIDE, OWN, "the key"));
	silent = end_accept(w);
	end_say(asker, RESULT(REMOTE, OWN, "the key"));
	asked = wire_opened(w);
	end_say(asked, THEIRS FEATURES(DIALBACK));
	end_hears(asked, "'>the key</db:verify>");
	end_say(asked, say);
	end_hears(asker, "type='valid'/>");
	ck_assert_uint_eq(w->x.stats.throttled, 0);
	for (int i = 0; i < 30; i++)
		end_say(asker, MESSAGE("a@" REMOTE, "b@" OWN));
	wire_turns(w, 5);
	ck_assert_uint_eq(w->x.stats.throttled, 1);
	end_free(asker);
	end_free(asked);
	end_free(silent);
	free(say);
	wire_free(w);
}
END_TEST

/* Only from, to and id together name a question. */
START_TEST(test_verdicts_for_others)
{
	static const char *const wrong[] = {
		KEY(NOBODY, OWN, "%s", "valid"),      KEY(REMOTE, OTHER, "%s", "valid"),
		KEY(REMOTE, OWN, "another", "valid"), KEY(OWN, REMOTE, "%s", "valid"),
		ANSWER(REMOTE, OWN, "valid"),
	};
	struct wire *w = wire_new(CLEAR);
	struct end *asker, *asked;
	char *id = asked_for(w, &asker, &asked), *say;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *hole = strstr(wrong[i], "%s");

		say = hole ? xasprintf("%.*s%s%s", (int)(hole - wrong[i]), wrong[i], id, hole + 2)
			   : xstrdup(wrong[i]);
		end_say(asked, say);
		free(say);
	}
	/* An answer over the stream that is to be proven proves nothing. */
	say = xasprintf("<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='valid'/>", id);
	end_say(asker, say);
	wire_turns(w, 5);
	end_settles(asker);
	ck_assert(!end_heard(asker, "<db:result"));
	end_say(asked, say);
	free(say);
	end_hears(asker, "type='valid'/>");
	end_free(asker);
	end_free(asked);
	free(id);
	wire_free(w);
}
END_TEST

/* Who asked is gone: the answer goes nowhere. */
START_TEST(test_verdict_too_late)
{
	struct wire *w = wire_new(CLEAR);
	struct end *asker, *asked;
	char *id = asked_for(w, &asker, &asked);
	char *say =
		xasprintf("<db:verify from='" REMOTE "' to='" OWN "' id='%s' type='valid'/>", id);

	end_free(asker);
	wire_await(w, w->x.nstreams == 1);
	end_say(asked, say);
	wire_turns(w, 5);
	ck_assert_uint_eq(w->x.nstreams, 1);
	free(say);
	free(id);
	end_free(asked);
	wire_free(w);
}
END_TEST

Suite *verify_suite(void)
{
	Suite *s = suite_create("verify");
	TCase *t = tcase_create("verify");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_verdicts, 0, ROWS(verdicts));
	tcase_add_test(t, test_verdicts_for_others);
	tcase_add_test(t, test_many_that_are_nowhere);
	tcase_add_test(t, test_rate_behind_one_that_waits);
	tcase_add_test(t, test_verdict_too_late);
	suite_add_tcase(s, t);
	return s;
}
