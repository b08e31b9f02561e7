// Rows for `events`.
#include "config/call.h"
#include "config/directives.h"
#include "config/limits.h"

namespace sluice::config {
namespace {

constexpr DirectiveSpec kDirectives[] = {
    {.name = "worker_connections",
     .contexts = kEvents,
     .set = SetNumber<&Process::worker_connections, 1, kWorkerConnectionsMax>,
     .usage = "NUMBER",
     .help = "The most connections of one shard, to clients and to upstreams together."},

    {.name = "use", .contexts = kEvents, .usage = "METHOD", .no_effect = "it always uses io_uring"},
    {.name = "multi_accept",
     .contexts = kEvents,
     .form = Form::kFlag,
     .usage = "on|off",
     .no_effect = "it always takes every connection that waits"},
    {.name = "accept_mutex",
     .contexts = kEvents,
     .form = Form::kFlag,
     .usage = "on|off",
     .no_effect = "each shard has a listening socket of its own"},
    {.name = "accept_mutex_delay",
     .contexts = kEvents,
     .usage = "TIME",
     .no_effect = "each shard has a listening socket of its own"},
    {.name = "worker_aio_requests",
     .contexts = kEvents,
     .usage = "NUMBER",
     .no_effect = "it reads no files while running"},
    {.name = "debug_connection",
     .contexts = kEvents,
     .repeat = Repeat::kMany,
     .usage = "ADDRESS|CIDR|unix:",
     .no_effect = "it logs all connections at one level"},
};

}  // namespace

std::span<const DirectiveSpec> EventsDirectives() { return kDirectives; }

}  // namespace sluice::config
