// What directives are set into while a plan is made: the plan's own types, plus what has to be
// known until the end of a block.
//
// Defaults are those of plan.h and tls/settings.h, nowhere else. Inheritance is a copy: the scope
// of a server starts as that of `stream`, after all of stream's own directives.
#ifndef SLUICE_CONFIG_SCOPE_H_
#define SLUICE_CONFIG_SCOPE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/directive.h"
#include "config/plan.h"
#include "config/tree.h"
#include "tls/server_settings.h"
#include "tls/settings.h"

namespace sluice::config {

// A block whose directives are being judged, and which have been seen in it.
class Block {
 public:
  // `node`: null for the main context. `around`: the block whose settings this one inherits, or
  // null. Both must outlive the block.
  Block(Context context, const Directive* node, const Block* around)
      : context_(context), node_(node), around_(around) {}

  Context context() const { return context_; }
  const Directive* node() const { return node_; }

  // Notes that `directive` sets `name` here. Returns null if it is the first to do so, else the
  // first. `name` must outlive the block.
  const Directive* Record(std::string_view name, const Directive* directive);

  // The first directive of this name here; null if there is none.
  const Directive* SetHereBy(std::string_view name) const;
  // The same, here or else in the blocks around.
  const Directive* SetBy(std::string_view name) const;

  // Notes that something in this block was meant to be `name`, but is wrong and was reported.
  void Mention(std::string_view name) { mentioned_.push_back(name); }
  // Whether there is such a directive here, right or wrong: its absence is not to be reported.
  bool Mentions(std::string_view name) const;

 private:
  // A block sets a few dozen names at most: looking through them beats hashing.
  std::vector<std::pair<std::string_view, const Directive*>> set_;
  std::vector<std::string_view> mentioned_;
  Context context_;
  const Directive* node_;
  const Block* around_;
};

struct MainScope {
  Process process;
  bool shards_auto = false;
  bool affinity_auto = false;
  // worker_cpu_affinity: the masks as CPU numbers; with `auto` one at most.
  std::vector<std::vector<int>> cpu_masks;
  std::vector<LogFormat> log_formats;  // Set in `stream`.
};

// A listening address and where it was written.
struct PlacedListener {
  Listener listener;
  bool is_default = false;   // default_server.
  bool has_options = false;  // Any that a socket has only once.
  Span span;
};

// What commands of OpenSSL are about, of the settings of either side of TLS.
struct ConfCommandTarget {
  tls::File* certificate;      // Null: of a server, which has several.
  tls::File* certificate_key;  // Null with it.
  std::string& ciphers;
  std::string& groups;
  std::string& signature_algorithms;
  tls::Version& min_version;
  tls::Version& max_version;
};

// One proxy_ssl_conf_command or ssl_conf_command.
struct ConfCommand {
  void (*apply)(const std::string& value, ConfCommandTarget& target);
  std::string_view name;  // As OpenSSL writes it.
  // What problems with the value are reported under; none: it has none.
  std::optional<tls::Field> field;
  std::string value;  // Found good; a path is resolved.
  Span span;
};

// A file that may stand several times, and where.
struct PlacedPath {
  std::string path;  // Empty: it is a mistake, which has been reported.
  Span span;
};

// An access_log whose format is not known yet.
struct PlacedAccessLog {
  AccessLog log;
  const Word* path = nullptr;
  const Word* format = nullptr;
};

// What `server` and, as the beginning of each server, `stream` set.
struct ServerScope {
  Server server;
  bool tls_enabled = false;
  bool sends_proxy_header = false;
  int proxy_header_version = 1;
  // File contents and passwords are empty until the server is finished: `path` alone tells files
  // apart, and most servers share theirs.
  tls::Settings tls;
  std::string tls_password_path;
  // proxy_ssl_protocols: bit i is the i-th of kTlsVersions (tls_version.h).
  uint8_t tls_versions = 0;
  // strict_tls: what is not said about verification and SNI means "on".
  bool strict_tls = false;
  std::vector<ConfCommand> conf_commands;
  std::vector<PlacedAccessLog> access_logs;

  // TLS with clients, likewise without contents.
  tls::ServerSettings client_tls;
  std::vector<PlacedPath> client_certificates;
  std::vector<PlacedPath> client_certificate_keys;
  std::vector<PlacedPath> ticket_keys;
  std::string client_tls_password_path;
  uint8_t client_tls_versions = 0;
  std::vector<ConfCommand> client_conf_commands;

  // `server` only.
  std::vector<const Word*> server_names;
  std::vector<PlacedListener> listeners;
  const Word* proxy_pass = nullptr;
  std::optional<Template> return_text;
};

// A zone directive.
struct PlacedZone {
  std::string name;
  int64_t bytes = 0;  // 0: not given.
  Span span;
};

struct UpstreamScope {
  Upstream upstream;
  const Directive* method = nullptr;  // What has set upstream.balance so far.
  std::optional<PlacedZone> zone;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_SCOPE_H_
