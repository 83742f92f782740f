/* SPDX-License-Identifier: MIT */
/* What the parts of the negotiation, of dialback and of acknowledgements know of one another. */
#ifndef S2S_STEPS_H
#define S2S_STEPS_H

#include "s2s/stream.h"

/* --- in.c, out.c, steps ---------------------------------------------------------------------- */

typedef void step_fn(struct stream *s, const struct xml_element *e);
void in_accept(struct s2s *x, int take_fd, bool direct_tls);
void in_header(struct stream *s, const struct xml_header *h);
void in_secured(struct stream *s);
void in_features(struct stream *s); /* sends ours */
/* in_dane.c: whether features have to wait for the DNS; then in_features comes by itself. */
bool in_dane_begin(struct stream *s);
struct in_dane *in_dane_free(struct in_dane *d);
step_fn in_starttls, in_auth, in_response, in_abort, in_bidi;
/* Opens a stream for the pair, or goes on with the one that it has. */
void out_start(struct pair *p);
void out_begin(struct stream *s, const struct reach_result *r); /* over the connection r->fd */
void out_header(struct stream *s, const struct xml_header *h);
void out_secured(struct stream *s);
step_fn out_features, out_proceed, out_tls_failure, out_success, out_failure;
void out_go_on(struct stream *s); /* in PHASE_OPEN: whatever its pair needs next */
void out_ready(struct stream *s); /* our domain is proven to them */
/* It came to nothing: the next target, or what waits goes back. The stream is closed, or freed at
 * the end of the turn. */
void out_failed(struct stream *s, enum stanza_error e, const char *text);
void out_over(struct stream *s); /* it has been closed: its pair goes its own way */
void out_gone(struct stream *s, int err, const char *why); /* its connection has ended; frees s */
void out_again(struct stream *s);			   /* the next target */

/* --- join.c, piggyback.c: one more pair of domains on a stream that is there ------------------- */

enum { DIALBACKS_PENDING = 10 }; /* at the same time, on one stream: each costs the other one */

/* The same remote domain, another of ours. False: none is there, or would take it. */
bool join_begin(struct pair *p);
bool join_possible(const struct pair *p);
bool join_takes(const struct stream *s);
void join_ask(struct pair *p, struct stream *s); /* where both of these hold */
/* Its own stream waits for an answer no longer, if it does. */
void join_alone(struct pair *p, const char *why);
/* An answer about one; condition: of an error. False: nobody asked. */
bool join_answered(struct stream *s, struct str from, struct str to, struct str type,
		   struct str condition);
bool joins_wait(const struct stream *s); /* for an answer that may still be in time */
void joins_end(struct stream *s);   /* they go on without it */
void joined_lost(struct stream *s); /* it ends: who shared it looks whether it comes back */
void join_tick(struct pair *p, uint64_t now);
/* Another remote domain: asked before the stream of a pair is connected. */
reach_share_fn piggyback;
void site_enter(struct stream *s); /* it is ready, and could be shared */
void site_leave(struct stream *s);

/* self_look.c: on a stream to a domain of ours (s->look): TLS stands, none is wanted, it has ended. */
void look_secured(struct stream *s);
void look_clear(struct stream *s);
void look_over(struct stream *s);
SSL *out_tls(struct stream *s);				  /* out_tls.c: before the handshake */
bool out_trusts(struct stream *s, char **ret_why);	  /* after it; false: why not (malloc'ed) */
void stream_rests_on(struct stream *s); /* ticks.c: a certificate has proven its peer */
void limits_feature(struct buf *b, const struct s2s *x);  /* XEP-0478 */
void limits_read(struct stream *s, const struct node *n); /* the peer's */

/* --- dialback_in.c, dialback_out.c ------------------------------------------------------------ */

step_fn dialback_asked, dialback_answered; /* <db:result>KEY, <db:result type=…> */
step_fn verify_asked, verify_answered;
void dialback_ask(struct stream *s);  /* sends our key for its pair */
/* For whatever pair: <db:result>KEY. s has an id, and we the secret. */
void dialback_give(struct stream *s, const char *own, const char *remote);
void verifies_send(struct stream *s); /* those of its pair, over it */
void verifies_fail(struct pair *p, bool sent_only, enum stanza_error e, const char *why);
void verifies_forget(struct stream *s); /* asked for by it */
void verify_free(struct pair *p, struct verify *v);
/* The verdict comes to the stream that was asked; error NO_ERROR: type valid or invalid. */
void dialback_verdict(struct stream *s, const char *own, const char *remote, bool valid, int error);
void dialback_answer(struct stream *s, const char *what, struct str from, struct str to,
		     struct str id, const char *type, int error);

/* --- proofs.c ----------------------------------------------------------------------------------
 */

struct proof *proof_find(const struct stream *s, struct str own, struct str remote);
struct proof *proof_add(struct stream *s, struct str own, struct str remote, bool proven);
struct proof *proof_of_certificate(const struct stream *s); /* NULL: none, or not yet */
void proof_free(struct stream *s, struct proof *p);
/* The other server is proven for the pair: bidi, rates, failures. */
void proof_good(struct stream *s, struct proof *p);
/* XEP-0288: what it has proven takes our stanzas too, if it goes both ways and nothing else does. */
void proof_both_ways(struct stream *s, struct str own, struct str remote);

/* --- in_stanza.c -------------------------------------------------------------------------------
 */

step_fn stanza_in;
void works_leave(struct stream *s); /* its connection is gone: they go on without it */
void works_keep(struct stream *s, struct resumable *r); /* the same, and they count in its h */
void works_keep_no_more(struct resumable *r);
void works_free(struct s2s *x); /* at the end of the process */

/* --- ack.c: XEP-0198
 * ------------------------------------------------------------------------------ */

step_fn ack_enable, ack_enabled, ack_failed, ack_request, ack_answer;
void ack_begin(struct stream *s); /* out: asks for it where it is offered, or for a lost stream */
bool ack_possible(const struct stream *s); /* in: it may be asked for */
void ack_fail(struct stream *s, const char *condition);
void ack_too_high(struct stream *s, uint32_t h, uint32_t sent); /* ends the stream */
void ack_last(struct stream *s);	  /* all that is done is told before it ends */
void ack_done(struct stream *s);	  /* more is done: whoever asked hears it */
void ack_ask(struct stream *s, bool now); /* <r/> where it is time */

/* --- ack_resume.c: streams that are lost and gone on with --------------------------------------- */

step_fn ack_resume, ack_resumed;
void resume_allow(struct stream *s, const struct xml_element *e);   /* in: attributes of <enabled> */
void resume_allowed(struct stream *s, const struct xml_element *e); /* out: <enabled> */
bool resume_begin(struct stream *s); /* out: asks for the lost stream of its pair; false: none */
bool resume_failed(struct stream *s, const struct xml_element *e); /* out; false: not asked for */
void resume_prefer(struct reach *reach, const struct resumable *r); /* where it was, first */
void resume_ready(struct resumable *r); /* all of it is done: its asker goes on */

extern const struct xml_reader_ops stream_ops; /* steps.c */
void stream_tick(void *stream);		       /* ticks.c */
void stream_watch(struct stream *s);	       /* something moves: it is looked at each second */
/* Ends it when what was written is acknowledged and what was taken is done, within reason; at once where it
 * is not ready. */
void stream_end(struct stream *s, const char *why);
bool stream_end_look(struct stream *s); /* whether it is over: something was acknowledged, or done */
/* The kernel took more of the output. */
void carried_look(struct stream *s);
void carried_unsent(struct stream *s); /* what the kernel has not taken whole: again */
void carried_end(struct stream *s);    /* the stream is over: again, or an error */

#endif
