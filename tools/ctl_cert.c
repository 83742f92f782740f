/* SPDX-License-Identifier: MIT */
/* mercutioctl cert: the certificates that clients will be shown, and whether c2s can use them. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <idn2.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "link/hosts.h"
#include "tools/ctl.h"

enum { DAY = 86400, SOON_DAYS = 14 };

/* What is found about one domain's certificate. */
struct finding {
	const char *domain;
	char *cert_file, *key_file;
	X509 *cert;
	STACK_OF(X509) * chain;	    /* behind it */
	struct buf names, problems; /* problems: lines */
	char *trust;		    /* NULL: trusted by the system's authorities; else why not */
	int days;		    /* until it expires */
	bool key_fits;
	bool fatal; /* one of the problems keeps clients out */
};

static void problem(struct finding *f, bool fatal, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void problem(struct finding *f, bool fatal_one, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&f->problems, fmt, ap);
	va_end(ap);
	buf_putc(&f->problems, '\n');
	f->fatal |= fatal_one;
}

/* --- certificate ----------------------------------------------------------------------------- */

static bool read_chain(struct finding *f)
{
	BIO *b = BIO_new_file(f->cert_file, "r");
	X509 *x;

	if (!b) {
		problem(f, true, "%s: %s", f->cert_file, strerror(errno));
		return false;
	}
	f->cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
	f->chain = sk_X509_new_null();
	while (f->cert && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)))
		sk_X509_push(f->chain, x);
	BIO_free(b);
	ERR_clear_error();
	if (!f->cert)
		problem(f, true, "%s: holds no certificate in PEM", f->cert_file);
	return f->cert != NULL;
}

static void find_names(struct finding *f)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(f->cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(all, i);

		if (n->type != GEN_DNS)
			continue;
		buf_printf(&f->names, "%s%.*s", f->names.len ? ", " : "",
			   ASN1_STRING_length(n->d.dNSName),
			   (const char *)ASN1_STRING_get0_data(n->d.dNSName));
	}
	GENERAL_NAMES_free(all);
}

static bool name_matches(X509 *cert, const char *domain)
{
	char *ascii = NULL, *address;
	bool good;

	if (domain[0] == '[') {
		address = xstrndup(domain + 1, strcspn(domain + 1, "]"));
		good = X509_check_ip_asc(cert, address, 0) == 1;
		free(address);
		return good;
	}
	if (idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return false;
	good = X509_check_host(cert, ascii, 0, 0, NULL) == 1 ||
	       X509_check_ip_asc(cert, ascii, 0) == 1;
	idn2_free(ascii);
	return good;
}

static void check_trust(struct finding *f)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	X509_STORE_set_default_paths(store);
	X509_STORE_CTX_init(ctx, store, f->cert, f->chain);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	if (X509_verify_cert(ctx) != 1)
		f->trust = xstrdup(X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
}

static void check_time(struct finding *f)
{
	int seconds = 0;

	ASN1_TIME_diff(&f->days, &seconds, NULL, X509_get0_notAfter(f->cert));
	if (f->days < 0 || seconds < 0)
		problem(f, true, "the certificate has expired");
	else if (f->days < SOON_DAYS)
		problem(f, false, "the certificate expires in %d days", f->days);
	if (X509_cmp_current_time(X509_get0_notBefore(f->cert)) > 0)
		problem(f, true, "the certificate is not valid yet");
}

static void check_key(struct finding *f)
{
	BIO *b = BIO_new_file(f->key_file, "r");
	EVP_PKEY *key;

	if (!b) {
		problem(f, true, "%s: %s", f->key_file, strerror(errno));
		return;
	}
	/* No password is asked for: c2s would have nobody to ask. */
	key = PEM_read_bio_PrivateKey(b, NULL, NULL, (void *)"");
	BIO_free(b);
	if (!key)
		problem(f, true, "%s: holds no private key in PEM without a password", f->key_file);
	else if (f->cert && X509_check_private_key(f->cert, key) != 1)
		problem(f, true, "%s: is the key of another certificate", f->key_file);
	else
		f->key_fits = true;
	EVP_PKEY_free(key);
	ERR_clear_error();
}

/* --- who may read it ------------------------------------------------------------------------- */

static int open_errno(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Tries it as that user, in a process of its own. 0 or a positive errno. */
static int try_as(const struct passwd *pw, const char *file)
{
	int status;
	pid_t pid;

	if (!pw)
		return open_errno(file);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
		    setuid(pw->pw_uid) < 0)
			_exit(errno);
		_exit(open_errno(file));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return EAGAIN;
	return WEXITSTATUS(status);
}

static void check_reader(struct finding *f, const char *user)
{
	const struct passwd *pw = *user ? getpwnam(user) : NULL;
	const char *const files[] = {f->cert_file, f->key_file};

	if (*user && !pw) {
		problem(f, true, "user \"%s\" of c2s does not exist", user);
		return;
	}
	if (pw && pw->pw_uid != geteuid() && geteuid() != 0) {
		problem(f, false, "only root can tell whether %s can read the key", user);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		int err = try_as(pw && geteuid() == 0 ? pw : NULL, files[i]);

		if (err)
			problem(f, true, "c2s%s%s cannot read %s: %s", *user ? " as user " : "",
				user, files[i], strerror(err));
	}
}

/* --- report ---------------------------------------------------------------------------------- */

static void print_finding(const struct finding *f)
{
	struct str rest = buf_str(&f->problems), line;
	char until[32] = "?";
	struct tm tm;

	printf("%s\n  certificate  %s\n", f->domain, f->cert_file);
	if (f->cert) {
		if (ASN1_TIME_to_tm(X509_get0_notAfter(f->cert), &tm))
			strftime(until, sizeof(until), "%Y-%m-%d", &tm);
		printf("  names        %.*s\n", STR_ARG(buf_str(&f->names)));
		printf("  chain        %d behind it; %s%s\n", sk_X509_num(f->chain),
		       f->trust ? "not trusted by this system: " : "trusted by this system",
		       f->trust ? f->trust : "");
		printf("  expires      %s, in %d days\n", until, f->days);
	}
	printf("  key          %s%s\n", f->key_file, f->key_fits ? "" : " (not good)");
	while (str_split(&rest, '\n', &line)) {
		if (line.len)
			printf("! %.*s\n", STR_ARG(line));
	}
}

static json_t *finding_json(const struct finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s%, s:i, s:b, s:s?, s:b}", "domain", f->domain,
			      "certificate", f->cert_file, "key", f->key_file, "names",
			      f->names.len ? buf_ptr(&f->names) : "", f->names.len, "days", f->days,
			      "key_fits", f->key_fits, "not_trusted", f->trust, "good", !f->fatal);
	json_t *list = json_array();
	struct str rest = buf_str(&f->problems), line;

	while (str_split(&rest, '\n', &line)) {
		if (line.len)
			json_array_append_new(list, json_stringn(line.ptr, line.len));
	}
	json_object_set_new(o, "problems", list);
	return o;
}

static void examine(struct finding *f, const char *user)
{
	if (!*f->cert_file || !*f->key_file) {
		problem(f, true, "no certificate: set the options certificate and key");
		return;
	}
	if (read_chain(f)) {
		find_names(f);
		if (!name_matches(f->cert, f->domain))
			problem(f, true, "the certificate is not for %s", f->domain);
		check_trust(f);
		check_time(f);
	}
	check_key(f);
	check_reader(f, user);
}

static const char *either(const char *own, const char *common)
{
	return own && *own ? own : common ? common : "";
}

static int cert_check(struct ctl *c, int argc, char **argv)
{
	struct common_config common = {0}; /* as c2s sees it */
	json_t *all = json_array();
	size_t bad = 0;

	conf_fill(c->conf, "c2s", NULL, common_options, &common);
	for (char **d = c->common.domains; *d; d++) {
		struct host_config h = {0};
		struct finding f = {.domain = *d};

		host_config_fill(c->conf, *d, &h);
		f.cert_file = xstrdup(either(h.certificate, common.certificate));
		f.key_file = xstrdup(either(h.key, common.key));
		options_free(host_options, &h);
		examine(&f, common.user);
		bad += f.fatal;
		if (c->json)
			json_array_append_new(all, finding_json(&f));
		else
			print_finding(&f);
		X509_free(f.cert);
		sk_X509_pop_free(f.chain, X509_free);
		buf_free(&f.names);
		buf_free(&f.problems);
		free(f.trust);
		free(f.cert_file);
		free(f.key_file);
	}
	options_free(common_options, &common);
	if (c->json)
		ctl_print_json(json_incref(all));
	json_decref(all);
	return bad ? ctl_error("%zu certificate%s cannot be used", bad, bad == 1 ? "" : "s")
		   : CTL_GOOD;
}

const struct ctl_command ctl_cert_commands[] = {
	{"cert check", "", 0, 0, CTL_CONFIG, cert_check,
	 "names, chain and expiry of the certificates; whether c2s can read the keys"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
