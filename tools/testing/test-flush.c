// SPDX-License-Identifier: GPL-2.0
/*
 * What a switch answers who asks it to sync the memory: a peer made of libfamez's parts,
 * as programs on the host have nothing that asks.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>

#include "attach.h"
#include "fabric-impl.h"
#include "plan.h"
#include "switch.h"

#define HANG_S	120

/* One more field than version 1.0 has */
struct request {
	struct famez_flush flush;
	uint32_t more;
};

static struct switch_process sw;
static struct attach attached;
static struct famez_fabric *fabric;

static void ring(void *context, uint32_t peer, uint32_t vector)
{
	assert_int_equal(attach_ring(context, peer, vector), 0);
}

static int setup(void **state)
{
	struct famez_fabric_config config = {
		.kind = FAMEZ_KIND_HOST,
		.name = "flusher",
		.cclass = "Test",
		.ring = ring,
		.context = &attached,
	};

	(void)state;
	if (start_switch(&sw, "8M", "2", "1") || attach_open(&attached, sw.path))
		return -1;
	config.memory = attached.memory;
	config.size = attached.layout.memory_size;
	config.id = attached.id;
	config.vectors = attached.layout.vectors;
	alarm(HANG_S);
	return famez_fabric_start(&fabric, &config);
}

static int teardown(void **state)
{
	(void)state;
	famez_fabric_stop(fabric);
	attach_close(&attached);
	return stop_switch(&sw, SIGTERM);
}

/* Takes out what has come, up to an answer, as famez_fabric_service() would forget that. */
static bool answered(struct famez_flush *answer)
{
	struct famez_inbox *in = fabric->peers[attached.layout.server_id].in;
	struct famez_message m;
	bool is_one;

	famez_inbox_begin(in);
	while (famez_inbox_peek_ring(in, &m) == 1) {
		is_one = m.label.type == FAMEZ_TYPE_FLUSHED;
		if (is_one) {
			assert_int_equal(m.length, sizeof(*answer));
			famez_copy_in(answer, m.payload, sizeof(*answer));
		}
		famez_inbox_skip(in, &m);
		if (is_one)
			return true;
	}
	return false;
}

/* Return: its answer's error */
static int ask(const struct request *request, size_t size)
{
	struct famez_flush answer;
	int err;

	/* there is no channel before the first */
	while ((err = channel_send(fabric, attached.layout.server_id, FAMEZ_TYPE_FLUSH,
				   request, size)) == -EAGAIN) {
		assert_int_equal(attach_take(&attached), 0);
		assert_int_equal(famez_fabric_service(fabric), 0);
	}
	assert_int_equal(err, 0);
	while (!answered(&answer))
		sched_yield();
	assert_true(answer.cookie == request->flush.cookie);
	assert_int_equal(answer.reserved, 0);
	return le32toh(answer.error);
}

static void test_flush(void **state)
{
	struct request request = { .flush.cookie = htole64(1) };

	(void)state;
	assert_int_equal(ask(&request, sizeof(request.flush)), 0);
	request.flush.cookie = htole64(2);
	assert_int_equal(ask(&request, sizeof(request)), 0);
}

/* Nothing is synced for who wants more of it than this version knows, and it hears so. */
static void test_unknown(void **state)
{
	struct request request = { .flush.cookie = htole64(3), .flush.reserved = 1 };

	(void)state;
	assert_int_equal(ask(&request, sizeof(request.flush)), EINVAL);
	request = (struct request){ .flush.cookie = htole64(4), .more = 1 };
	assert_int_equal(ask(&request, sizeof(request)), EINVAL);
	request = (struct request){ .flush.cookie = htole64(5) };
	assert_int_equal(ask(&request, sizeof(request)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
	};

	return RUN_PLAN("flush", tests);
}
