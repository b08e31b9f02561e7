// What nginx has and sluice does not, by name: neither ignored nor taken for a typing error.
//
// Checked against the reference of nginx's stream, core and js modules. A directive that sluice
// learns moves from here to its table.
#include "config/directives.h"

namespace sluice::config {
namespace {

constexpr std::string_view kNotYet = "of nginx is not supported yet";

constexpr std::string_view kNoHttp =
    "is not for sluice, which proxies streams: leave it to nginx, and keep only \"events\" and "
    "\"stream\" here";

constexpr RefusedDirective kRefused[] = {
    // Core.
    {"http", kNoHttp},
    {"mail", kNoHttp},
    {"google_perftools_profiles", kNotYet},
    {"mgmt", kNotYet},
    {"ssl_engine", "of nginx is not supported: keys come from files"},
    {"ssl_object_cache_inheritable", kNotYet},

    // ngx_stream_core_module.
    {"preread_buffer_size", kNotYet},
    {"preread_timeout", kNotYet},
    {"resolver", kNotYet},
    {"resolver_timeout", kNotYet},
    {"server_names_hash_bucket_size", kNotYet},
    {"server_names_hash_max_size", kNotYet},
    {"status_zone", kNotYet},
    {"variables_hash_bucket_size", kNotYet},
    {"variables_hash_max_size", kNotYet},

    // Access, geo, limits, logs, maps.
    {"allow", kNotYet},
    {"deny", kNotYet},
    {"geo", kNotYet},
    {"geoip_city", kNotYet},
    {"geoip_country", kNotYet},
    {"geoip_org", kNotYet},
    {"keyval", kNotYet},
    {"keyval_zone", kNotYet},
    {"limit_conn", kNotYet},
    {"limit_conn_dry_run", kNotYet},
    {"limit_conn_log_level", kNotYet},
    {"limit_conn_zone", kNotYet},
    {"map", kNotYet},
    {"map_hash_bucket_size", kNotYet},
    {"map_hash_max_size", kNotYet},
    {"num_map", kNotYet},
    {"split_clients", kNotYet},

    // Other handlers of a server.
    {"mqtt", kNotYet},
    {"mqtt_buffers", kNotYet},
    {"mqtt_preread", kNotYet},
    {"mqtt_rewrite_buffer_size", kNotYet},
    {"mqtt_set_connect", kNotYet},
    {"pass", kNotYet},

    // ngx_stream_proxy_module.
    {"proxy_download_rate", kNotYet},
    {"proxy_requests", kNotYet},
    {"proxy_responses", kNotYet},
    {"proxy_session_drop", kNotYet},
    {"proxy_upload_rate", kNotYet},

    // ngx_stream_upstream_module and what belongs to it.
    {"health_check", kNotYet},
    {"health_check_timeout", kNotYet},
    {"match", kNotYet},
    {"state", kNotYet},
    {"zone_sync", kNotYet},
    {"zone_sync_server", kNotYet},

    // TLS from clients.
    {"ssl_certificate_compression", kNotYet},
    {"ssl_ech_file", kNotYet},
    {"ssl_ocsp", kNotYet},
    {"ssl_ocsp_cache", kNotYet},
    {"ssl_ocsp_responder", kNotYet},
    {"ssl_preread", kNotYet},
    {"ssl_stapling", kNotYet},
    {"ssl_stapling_file", kNotYet},
    {"ssl_stapling_responder", kNotYet},
    {"ssl_stapling_verify", kNotYet},

    // ngx_stream_js_module.
    {"js_access", kNotYet},
    {"js_context_reuse", kNotYet},
    {"js_engine", kNotYet},
    {"js_fetch_buffer_size", kNotYet},
    {"js_fetch_ciphers", kNotYet},
    {"js_fetch_max_response_buffer_size", kNotYet},
    {"js_fetch_protocols", kNotYet},
    {"js_fetch_timeout", kNotYet},
    {"js_fetch_trusted_certificate", kNotYet},
    {"js_fetch_verify", kNotYet},
    {"js_fetch_verify_depth", kNotYet},
    {"js_filter", kNotYet},
    {"js_import", kNotYet},
    {"js_include", kNotYet},
    {"js_path", kNotYet},
    {"js_periodic", kNotYet},
    {"js_preload_object", kNotYet},
    {"js_preread", kNotYet},
    {"js_set", kNotYet},
    {"js_shared_dict_zone", kNotYet},
    {"js_var", kNotYet},
};

}  // namespace

std::span<const RefusedDirective> RefusedDirectives() { return kRefused; }

}  // namespace sluice::config
