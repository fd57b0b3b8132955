/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of a pass. Each is read into a place of its own and joins the
 * world only when it is whole: a list that failed is unknown, never empty.
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/desired.h"
#include "reconciler/kube_request.h"
#include "reconciler/observe_object.h"
#include "reconciler/parallel.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Rows a page; pods weigh 14 KB each. */
enum { PAGE = 500, POD_PAGE = 100, SELECTOR_MAX = 1024 };

static const char tenant_selector[] =
	"tenant.paas.redhat.com/tenant=ambient-code";

static const enum acp_kind cluster_kinds[] = {
	ACP_KIND_NAMESPACE, ACP_KIND_ROLE, ACP_KIND_ROLE_BINDING,
	ACP_KIND_NETWORK_POLICY, ACP_KIND_PROJECT_SETTINGS,
	ACP_KIND_SERVICE_ACCOUNT, ACP_KIND_SERVICE, ACP_KIND_POD,
	ACP_KIND_TENANT_NAMESPACE, /* the last: in mpp only */
};

enum { CLUSTER_KINDS = sizeof(cluster_kinds) / sizeof(*cluster_kinds) };

/* One list of objects under way. */
struct listing {
	struct acp_observer *observer;
	struct acp_kube_list list;
	struct acp_objects found; /* items are ours until they join */
	bool has_bad_item; /* so the whole list is not to be trusted */
};

static void
begin_objects(void *context)
{
	struct listing *listing = context;

	listing->found.count = 0;
	listing->has_bad_item = false;
}

static void
take_object(void *context, struct json_object *item)
{
	struct listing *listing = context;
	struct acp_observer *observer = listing->observer;
	struct acp_object object;

	pthread_mutex_lock(&observer->lock);
	if (acp_observe_object(
		    listing->list.kind, item, observer->world->arena, &object))
		*acp_world_add_object(&listing->found) = object;
	else
		listing->has_bad_item = true;
	pthread_mutex_unlock(&observer->lock);
}

static void
log_failure(const struct listing *listing, const struct acp_kube_reply *reply)
{
	acp_log(ACP_LOG_WARN, "list_failed",
		ACP_F_TEXT("kind", acp_kind_name(listing->list.kind)),
		ACP_F_TEXT("namespace", listing->list.namespace),
		ACP_F_TEXT("reason", acp_kube_reason_name(reply->reason)),
		ACP_F_TEXT("message", reply->message));
}

/* Appends what was found; the caller has the lock. */
static void
join_world(const struct listing *listing)
{
	struct acp_world *world = listing->observer->world;
	struct acp_objects *objects = &world->objects[listing->list.kind];

	for (size_t i = 0; i < listing->found.count; i++)
		*acp_world_add_object(objects) = listing->found.items[i];
}

/* Reads one list; the error tells what became of it. */
static enum acp_error
read_objects(struct listing *listing)
{
	struct acp_observer *observer = listing->observer;
	struct acp_kube *kube = acp_clients_peek_kube(
		observer->clients, observer->site, listing->list.namespace);
	const struct acp_kube_sink sink = {.begin = begin_objects,
		.take = take_object,
		.context = listing};
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_list(kube, &listing->list, &sink, &reply);
	if (!error && listing->has_bad_item) {
		acp_kube_reply_refuse(&reply, ACP_KUBE_BAD_ANSWER,
			"an item lacks its name, uid or resourceVersion");
		error = ACP_RETRY_LATER;
	}
	pthread_mutex_lock(&observer->lock);
	if (reply.date_s > observer->world->kube_now_s)
		observer->world->kube_now_s = reply.date_s;
	if (!error)
		join_world(listing);
	pthread_mutex_unlock(&observer->lock);
	if (error && error != ACP_GONE)
		log_failure(listing, &reply);
	free(listing->found.items);
	return error;
}

static void
write_selector(const struct acp_observer *observer, enum acp_kind kind,
	struct acp_buffer *text)
{
	if (kind == ACP_KIND_NAMESPACE &&
		observer->site->platform == ACP_PLATFORM_MPP)
		acp_buffer_append(text, tenant_selector);
	else
		acp_desired_selector(observer->site, text);
}

static struct listing
make_listing(struct acp_observer *observer, enum acp_kind kind,
	const char *namespace, const char *selector)
{
	return (struct listing){.observer = observer,
		.list = {.kind = kind,
			.namespace = namespace,
			.selector = selector,
			.page = kind == ACP_KIND_POD ? POD_PAGE : PAGE}};
}

static void
list_kind(struct acp_observer *observer, enum acp_kind kind)
{
	struct acp_objects *objects = &observer->world->objects[kind];
	ACP_AUTO(buffer) struct acp_buffer selector;
	struct listing listing;
	enum acp_error error;

	acp_buffer_init(&selector, SELECTOR_MAX);
	write_selector(observer, kind, &selector);
	listing = make_listing(observer, kind,
		kind == ACP_KIND_TENANT_NAMESPACE
			? observer->site->config_namespace
			: NULL,
		acp_buffer_peek(&selector));
	error = read_objects(&listing);
	objects->is_served = error != ACP_GONE;
	objects->is_known = !error || error == ACP_GONE;
	objects->is_denied = error == ACP_DENIED;
}

static void
list_one(void *context, size_t index)
{
	struct acp_observer *observer = context;

	if (index < ACP_OBSERVE_COLLECTIONS)
		acp_observe_collection(observer, index);
	else
		list_kind(observer,
			cluster_kinds[index - ACP_OBSERVE_COLLECTIONS]);
}

static bool
is_listed(const struct acp_observer *observer, enum acp_kind kind)
{
	return kind != ACP_KIND_TENANT_NAMESPACE ||
		observer->site->platform == ACP_PLATFORM_MPP;
}

void
acp_observe_lists(struct acp_observer *observer)
{
	size_t kinds = CLUSTER_KINDS;

	if (!is_listed(observer, ACP_KIND_TENANT_NAMESPACE))
		kinds--;
	acp_parallel_run(observer->clients->in_flight,
		ACP_OBSERVE_COLLECTIONS + kinds, list_one, observer);
}

/* Namespace by namespace */

/* One kind in the namespaces that may have some. */
struct denied {
	struct acp_observer *observer;
	enum acp_kind kind;
	const char *const *namespaces;
	const char *selector;
	atomic_bool is_incomplete;
	atomic_bool is_unserved;
};

static void
list_in_namespace(void *context, size_t index)
{
	struct denied *denied = context;
	struct listing listing = make_listing(denied->observer, denied->kind,
		denied->namespaces[index], denied->selector);

	enum acp_error error = read_objects(&listing);

	if (error == ACP_GONE) {
		atomic_store(&denied->is_unserved, true);
		return;
	}
	if (error) {
		atomic_store(&denied->is_incomplete, true);
		return;
	}
	pthread_mutex_lock(&denied->observer->lock);
	acp_world_add_read(&denied->observer->world->objects[denied->kind],
		denied->namespaces[index]);
	pthread_mutex_unlock(&denied->observer->lock);
}

/* A namespace that is not there is an empty list, not an error. */
static void
list_denied_kind(struct acp_observer *observer, enum acp_kind kind,
	const char *const *namespaces, size_t count)
{
	struct acp_objects *objects = &observer->world->objects[kind];
	ACP_AUTO(buffer) struct acp_buffer selector;
	struct denied denied = {
		.observer = observer, .kind = kind, .namespaces = namespaces};

	acp_buffer_init(&selector, SELECTOR_MAX);
	write_selector(observer, kind, &selector);
	denied.selector = acp_buffer_peek(&selector);
	acp_parallel_run(observer->clients->in_flight, count, list_in_namespace,
		&denied);
	objects->is_served = !atomic_load(&denied.is_unserved);
	objects->is_known = !atomic_load(&denied.is_incomplete);
}

/*
 * In mpp a Namespace does not tell whose it is: ours are those whose
 * TenantNamespace is, and in others we have no business, and no rights.
 */
static bool
may_hold_ours(const struct acp_observer *observer, const char *namespace)
{
	const struct acp_site *site = observer->site;
	const char *tenant = acp_desired_tenant_name(site, namespace);
	const struct acp_ref ref = {
		ACP_KIND_TENANT_NAMESPACE, site->config_namespace, tenant};

	return tenant && acp_world_find_object(observer->world, &ref);
}

static void
add_namespaces(const struct acp_observer *observer,
	const struct acp_objects *objects, const char **names, size_t *count)
{
	for (size_t i = 0; i < objects->count; i++)
		if (objects->items[i].kind == ACP_KIND_NAMESPACE &&
			(observer->site->platform == ACP_PLATFORM_STANDARD ||
				may_hold_ours(
					observer, objects->items[i].name)))
			names[(*count)++] = objects->items[i].name;
}

/* Every namespace that may hold objects of ours; caller frees the array. */
static const char **
collect_namespaces(const struct acp_observer *observer, size_t *count)
{
	const struct acp_world *world = observer->world;
	const struct acp_objects *seen = &world->objects[ACP_KIND_NAMESPACE];
	const struct acp_objects *asked = &world->foreign_namespaces;
	const char **names =
		acp_memory_new(seen->count + asked->count + 2, sizeof(*names));

	*count = 0;
	add_namespaces(observer, seen, names, count);
	if (observer->site->platform == ACP_PLATFORM_MPP)
		add_namespaces(observer, asked, names, count);
	names[(*count)++] = observer->site->runtime_namespace;
	if (observer->site->image_namespace)
		names[(*count)++] = observer->site->image_namespace;
	return names;
}

void
acp_observe_denied_lists(struct acp_observer *observer)
{
	ACP_AUTO(free) const char **namespaces = NULL;
	size_t count;

	namespaces = collect_namespaces(observer, &count);
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		enum acp_kind kind = cluster_kinds[i];

		if (kind != ACP_KIND_NAMESPACE &&
			kind != ACP_KIND_TENANT_NAMESPACE &&
			observer->world->objects[kind].is_denied)
			list_denied_kind(observer, kind, namespaces, count);
	}
	/* wanted namespaces were asked for one by one */
	if (observer->site->platform == ACP_PLATFORM_MPP &&
		observer->world->objects[ACP_KIND_NAMESPACE].is_denied)
		observer->world->objects[ACP_KIND_NAMESPACE].is_known =
			observer->world->foreign_namespaces.is_known;
	for (size_t i = 0; i < CLUSTER_KINDS; i++)
		if (!observer->world->objects[cluster_kinds[i]].is_known &&
			is_listed(observer, cluster_kinds[i]))
			observer->world->unknown_lists++;
}
