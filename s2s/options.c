/* SPDX-License-Identifier: MIT */
/* The options of section s2s and of sections remote. */
#include "s2s/options.h"
#include "xmpp/xml_read.h"

static const char *const needs[] = {"required", "optional", "forbidden", NULL};
static const char *const remote_needs[] = {"default", "required", "optional", "forbidden", NULL};

static const char *const shares[] = {"certificate", "dns", "never", NULL};

#define AT(field) offsetof(struct s2s_config, field)

const struct option s2s_options[] = {
	{"listen", OPT_LIST, AT(listen), "{\"*:5269\"}", 0, 64, NULL, 0,
	 "IP addresses with ports (* is any) for servers that use STARTTLS, as \"*:5269\" or \"127.0.0.1:5269\""},
	{"listen_tls", OPT_LIST, AT(listen_tls), NULL, 0, 64, NULL, 0,
	 "addresses for servers that begin with TLS (XEP-0368), as \"*:5270\"; others find them by "
	 "SRV records of _xmpps-server"},
	{"reuse_port", OPT_BOOL, AT(reuse_port), "true", 0, 0, NULL, 0,
	 "several s2s of a host share their addresses (SO_REUSEPORT); those of one run_dir only"},
	{"allow", OPT_LIST, AT(allow), NULL, 0, 10000, NULL, OPT_RELOAD,
	 "remote domains that are spoken with; empty: all that deny does not name"},
	{"deny", OPT_LIST, AT(deny), NULL, 0, 10000, NULL, OPT_RELOAD,
	 "remote domains that are not spoken with, their subdomains included"},
	{"tls", OPT_ENUM, AT(tls), "required", 0, 0, needs, OPT_RELOAD,
	 "whether streams are encrypted; forbidden is for islands without certificates"},
	{"peer_certificate", OPT_ENUM, AT(certificate), "optional", 0, 0, needs, OPT_RELOAD,
	 "whether a remote server must prove itself by a valid certificate; optional: dialback "
	 "will "
	 "do (XEP-0220); forbidden: certificates prove nothing"},
	{"dialback", OPT_ENUM, AT(dialback), "optional", 0, 0, needs, OPT_RELOAD,
	 "whether dialback (XEP-0220) proves a domain: required: also where a certificate could; "
	 "forbidden: certificates alone do"},
	{"common_name", OPT_BOOL, AT(common_name), "false", 0, 0, NULL, OPT_RELOAD,
	 "a certificate without any name of a server in subjectAltName may have it as common name "
	 "(RFC 6125); RFC 9525 knows no such thing"},
	{"bidi", OPT_BOOL, AT(bidi), "true", 0, 0, NULL, OPT_RELOAD,
	 "one stream carries stanzas in both directions where both servers want it (XEP-0288)"},
	{"multiplex", OPT_BOOL, AT(multiplex), "true", 0, 0, NULL, OPT_RELOAD,
	 "a stream to another server is shared by several domains of ours where that server knows "
	 "how to refuse one of them alone (XEP-0220)"},
	{"piggyback", OPT_ENUM, AT(piggyback), "certificate", 0, 0, shares, OPT_RELOAD,
	 "whether several remote domains at one address and port share a stream to it, where that "
	 "server knows how to refuse one of them alone (XEP-0220): certificate: those for which its "
	 "certificate is good; dns: all that the DNS leads there, where peer_certificate is not "
	 "required; never: each has its own"},
	{"tls_min", OPT_STR, AT(tls_min), "1.2", 0, 0, NULL, 0,
	 "oldest version of TLS: 1.2 or 1.3"},
	{"tls_ciphers", OPT_STR, AT(tls_ciphers), NULL, 0, 0, NULL, 0,
	 "OpenSSL's list of ciphers for TLS 1.2; empty: those of RFC 9325"},
	{"ca", OPT_STR, AT(ca), NULL, 0, 0, NULL, 0,
	 "file of the authorities whose certificates prove remote domains, PEM; none: the "
	 "system's"},
	{"max_stanza_size", OPT_SIZE, AT(max_stanza), "512k", 10000, 16777216, NULL, OPT_RELOAD,
	 "bytes of a stanza, told to the other server (XEP-0478); before it is proven at most "
	 "10000"},
	{"max_header_size", OPT_SIZE, AT(max_header), "4k", 512, 65536, NULL, OPT_RELOAD,
	 "bytes of a stream's start tag"},
	{"max_depth", OPT_INT, AT(max_depth), "64", 8, XML_DEPTH_MAX, NULL, OPT_RELOAD,
	 "elements inside one another in a stanza"},
	{"max_attributes", OPT_INT, AT(max_attributes), "64", 8, 1024, NULL, OPT_RELOAD,
	 "attributes of an element, namespace declarations included"},
	{"max_elements", OPT_INT, AT(max_elements), "10000", 16, 1000000, NULL, OPT_RELOAD,
	 "elements in a stanza, at any depth"},
	{"max_namespaces", OPT_INT, AT(max_namespaces), "1000", 8, 100000, NULL, OPT_RELOAD,
	 "namespace declarations in a stanza"},
	{"stanza_timeout", OPT_TIME, AT(stanza_timeout), "60s", 1000, 3600000, NULL, OPT_RELOAD,
	 "from the first byte of a stanza to its last"},
	{"login_timeout", OPT_TIME, AT(login_timeout), "30s", 1000, 600000, NULL, OPT_RELOAD,
	 "from a connection to a proven domain, in and out; also for the answer to a dialback"},
	{"login_bytes", OPT_SIZE, AT(login_bytes), "64k", 10000, 16777216, NULL, OPT_RELOAD,
	 "what a server may send before any domain of it is proven"},
	{"connections_per_address", OPT_INT, AT(per_address), "50", 0, 1000000, NULL, OPT_RELOAD,
	 "connections from one IPv4 address or IPv6 /64, 0: any number"},
	{"unproven", OPT_INT, AT(unproven), "500", 0, 1000000, NULL, OPT_RELOAD,
	 "connections without a proven domain, at the same time, 0: any number"},
	{"max_pairs", OPT_INT, AT(max_pairs), "100", 1, 100000, NULL, OPT_RELOAD,
	 "pairs of domains that one stream may carry, whoever asks for them (XEP-0220)"},
	{"max_streams", OPT_INT, AT(max_streams), "5000", 1, 1000000, NULL, OPT_RELOAD,
	 "streams that this process opens, at the same time"},
	{"rate_bytes", OPT_SIZE, AT(rate_bytes), "1M", 0, 1073741824, NULL, OPT_RELOAD,
	 "bytes a second that are read from one remote domain, 0: any; a faster one is slowed "
	 "down"},
	{"rate_stanzas", OPT_INT, AT(rate_stanzas), "500", 0, 1000000, NULL, OPT_RELOAD,
	 "stanzas a second that are taken from one remote domain, 0: any; a faster one is slowed "
	 "down"},
	{"rate_burst", OPT_TIME, AT(rate_burst), "10s", 1000, 60000, NULL, OPT_RELOAD,
	 "what a domain that was quiet may send at once, as time at these rates"},
	{"window", OPT_INT, AT(window), "512", 1, 65536, NULL, OPT_RELOAD,
	 "stanzas of a stream that are taken and not done; its socket is not read beyond"},
	{"window_bytes", OPT_SIZE, AT(window_bytes), "1M", 1024, 268435456, NULL, OPT_RELOAD,
	 "the same in bytes"},
	{"deadline", OPT_TIME, AT(deadline), "60s", 1000, 600000, NULL, OPT_RELOAD,
	 "how long a stanza from another server may wait for a session manager before it is "
	 "answered "
	 "with an error"},
	{"queue", OPT_INT, AT(queue), "5000", 1, 1000000, NULL, OPT_RELOAD,
	 "stanzas that wait for one pair of domains; further ones are returned at once. A login has two for "
	 "each contact there"},
	{"queue_bytes", OPT_SIZE, AT(queue_bytes), "2M", 4096, 67108864, NULL, OPT_RELOAD,
	 "the same in bytes; one stanza is always taken"},
	{"queue_time", OPT_TIME, AT(queue_time), "10m", 1000, 86400000, NULL, OPT_RELOAD,
	 "how long a stanza may wait for a remote server before it is returned"},
	{"retry_time", OPT_TIME, AT(retry_time), "30s", 0, 86400000, NULL, OPT_RELOAD,
	 "how long a message or presence waits, while queue_time lasts, for a server that does not "
	 "answer or is going down: it is tried again as backoff_min says; 0s: what waits is returned "
	 "when the first try fails, as requests always are, and everything where waiting does not "
	 "help (no such domain, a bad certificate)"},
	{"queue_total", OPT_SIZE, AT(queue_total), "64M", 65536, 17179869184, NULL, OPT_RELOAD,
	 "bytes that wait for all remote servers together, or for their acknowledgement; further "
	 "stanzas are returned at once"},
	{"out_max", OPT_SIZE, AT(out_max), "128k", 4096, 67108864, NULL, OPT_RELOAD,
	 "output of a stream that its peer has not read, beyond which stanzas wait in their queue"},
	{"out_timeout", OPT_TIME, AT(out_timeout), "60s", 1000, 3600000, NULL, OPT_RELOAD,
	 "how long a peer may read nothing of what waits for it before its stream is closed"},
	{"connect_timeout", OPT_TIME, AT(connect_timeout), "10s", 100, 300000, NULL, OPT_RELOAD,
	 "for a connection to one address"},
	{"reach_timeout", OPT_TIME, AT(reach_timeout), "60s", 1000, 600000, NULL, OPT_RELOAD,
	 "for all that is tried to reach a domain"},
	{"backoff_min", OPT_TIME, AT(backoff_min), "2s", 0, 600000, NULL, OPT_RELOAD,
	 "how long a domain that could not be reached is not tried again, at first; it doubles "
	 "with "
	 "each failure"},
	{"backoff_max", OPT_TIME, AT(backoff_max), "5m", 0, 86400000, NULL, OPT_RELOAD,
	 "the longest such time"},
	{"idle_out", OPT_TIME, AT(idle_out), "10m", 1000, 86400000, NULL, OPT_RELOAD,
	 "silence after which a stream that we opened is closed"},
	{"idle_in", OPT_TIME, AT(idle_in), "30m", 1000, 86400000, NULL, OPT_RELOAD,
	 "silence after which a stream that the other server opened is closed; told to it "
	 "(XEP-0478)"},
	{"ack_timeout", OPT_TIME, AT(ack_timeout), "60s", 1000, 3600000, NULL, OPT_RELOAD,
	 "how long <r/> may stay unanswered (XEP-0198)"},
	{"ack_every", OPT_INT, AT(ack_every), "50", 1, 10000, NULL, OPT_RELOAD,
	 "stanzas after which <r/> is sent at once; else at the end of a burst"},
	{"resume_time", OPT_TIME, AT(resume_time), "2m", 0, 3600000, NULL, OPT_RELOAD,
	 "how long a stream whose connection was lost may be resumed (XEP-0198): what it had not "
	 "acknowledged is kept meanwhile, then returned; 0: at once"},
	{"resume_max", OPT_INT, AT(resume_max), "1000", 1, 1000000, NULL, OPT_RELOAD,
	 "lost streams that are kept, at the same time; the oldest goes"},
	{"resume_domain", OPT_INT, AT(resume_domain), "10", 1, 10000, NULL, OPT_RELOAD,
	 "the same of one remote domain"},
	{"close_timeout", OPT_TIME, AT(close_timeout), "5s", 1000, 60000, NULL, OPT_RELOAD,
	 "how long the other server's end of a stream that we have closed is awaited"},
	{"drain_time", OPT_TIME, AT(drain_time), "20s", 0, 600000, NULL, OPT_RELOAD,
	 "how long a process that ends waits for its queues and acknowledgements"},
	{"user_timeout", OPT_TIME, AT(user_timeout), "2m", 0, 86400000, NULL, 0,
	 "how long the peer's kernel may leave what was sent unanswered, 0: the system's"},
	{"records", OPT_INT, AT(records), "1000", 10, 1000000, NULL, OPT_RELOAD,
	 "attempts, in and out, that `mercutioctl s2s why` can tell of; the oldest are forgotten"},
	{"remember", OPT_TIME, AT(remember), "2m", 60000, 3600000, NULL, OPT_RELOAD,
	 "how long the outcome of a stanza is remembered, so that a repetition is not sent"},
	{"dns_server", OPT_STR, AT(dns_server), NULL, 0, 0, NULL, 0,
	 "resolver that is asked, as \"127.0.0.1@5353\"; none: those of resolv.conf"},
	{"dns_resolv_conf", OPT_STR, AT(dns_resolv_conf), NULL, 0, 0, NULL, 0,
	 "file instead of /etc/resolv.conf"},
	{"dns_hosts", OPT_STR, AT(dns_hosts), NULL, 0, 0, NULL, 0, "file instead of /etc/hosts"},
	{"dns_anchor", OPT_STR, AT(dns_anchor), NULL, 0, 0, NULL, 0,
	 "file of trust anchors for DNSSEC, without which there is no DANE (RFC 7673): what it "
	 "shows "
	 "to be forged is not used. Not set: /usr/share/dns/root.key where it exists, and what "
	 "fails "
	 "then is taken as unsigned. none: no DNSSEC"},
	{"dns_timeout", OPT_TIME, AT(dns_timeout), "10s", 100, 300000, NULL, 0,
	 "for the answer to one question"},
	{"ipv4", OPT_BOOL, AT(ipv4), "true", 0, 0, NULL, 0, "connections are made over IPv4"},
	{"ipv6", OPT_BOOL, AT(ipv6), "true", 0, 0, NULL, 0, "connections are made over IPv6"},
	{NULL},
};

#undef AT
#define AT(field) offsetof(struct remote_config, field)

const struct option remote_options[] = {
	{"tls", OPT_ENUM, AT(tls), "default", 0, 0, remote_needs, OPT_RELOAD,
	 "as the option of s2s, for this remote domain"},
	{"peer_certificate", OPT_ENUM, AT(certificate), "default", 0, 0, remote_needs, OPT_RELOAD,
	 "as the option of s2s, for this remote domain"},
	{"dialback", OPT_ENUM, AT(dialback), "default", 0, 0, remote_needs, OPT_RELOAD,
	 "as the option of s2s, for this remote domain"},
	{"target", OPT_STR, AT(target), NULL, 0, 0, NULL, OPT_RELOAD,
	 "where its server is, as \"192.0.2.1:5269\", instead of what the DNS says"},
	{"target_tls", OPT_BOOL, AT(target_tls), "false", 0, 0, NULL, OPT_RELOAD,
	 "the connection to target begins with TLS"},
	{NULL},
};
