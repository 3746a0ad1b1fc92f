/** Directives that need no counterpart: they go without a word, or with one. */

const SILENT = [
  "absolute_redirect access_log aio aio_write autoindex_exact_size autoindex_localtime brotli_buffers brotli_window",
  "charset_types chunked_transfer_encoding client_body_buffer_size client_body_in_file_only client_body_temp_path",
  "client_body_timeout client_header_buffer_size client_header_timeout client_max_body_size connection_pool_size",
  "daemon debug_points default_server directio directio_alignment error_log fastopen gunzip gzip_buffers",
  "gzip_disable gzip_http_version gzip_proxied gzip_vary gzip_window http2_max_concurrent_streams http2_recv_timeout",
  "keepalive_disable keepalive_requests keepalive_time keepalive_timeout large_client_header_buffers lingering_close",
  "lingering_time lingering_timeout lock_file log_format log_not_found log_subrequest master_process merge_slashes",
  "msie_padding msie_refresh open_file_cache open_file_cache_errors open_file_cache_min_uses open_file_cache_valid",
  "open_log_file_cache output_buffers override_charset pcre_jit pid port_in_redirect postpone_output read_ahead",
  "recursive_error_pages request_pool_size reset_timedout_connection resolver resolver_timeout rewrite_log",
  "send_lowat send_timeout sendfile sendfile_max_chunk server_name_in_redirect server_names_hash_bucket_size",
  "server_names_hash_max_size server_tokens source_charset ssl_buffer_size ssl_ciphers ssl_conf_command ssl_dhparam",
  "ssl_early_data ssl_ecdh_curve ssl_prefer_server_ciphers ssl_session_cache ssl_session_ticket_key",
  "ssl_session_tickets ssl_session_timeout ssl_stapling ssl_stapling_file ssl_stapling_responder ssl_stapling_verify",
  "ssl_trusted_certificate tcp_nodelay tcp_nopush thread_pool timer_resolution types_hash_bucket_size",
  "types_hash_max_size underscores_in_headers variables_hash_bucket_size variables_hash_max_size worker_aio_requests",
  "worker_connections worker_cpu_affinity worker_priority worker_rlimit_core worker_rlimit_nofile",
  "worker_shutdown_timeout multi_accept use accept_mutex events working_directory",
]
  .join(" ")
  .split(" ");

const NOTED: Readonly<Record<string, string>> = {
  access_log: "say --access-log FILE, or --access-log alone for standard output",
  charset_types: "a charset goes with every text type",
  client_max_body_size: "files take no bodies",
  load_module: "tz-static has no modules; what needs this one is refused by its own directives",
  log_format: "say --access-log-format json or combined",
  server_name: "tz-static answers every host name",
  ssl_protocols: "TLS 1.2 and 1.3, with the ciphers of Node's OpenSSL",
  user: "start as root with --user to bind a low port and give up rights",
  map: "a definition that nothing here uses: what uses it is refused where it does",
  geo: "a definition that nothing here uses: what uses it is refused where it does",
  upstream: "a definition that nothing here uses: what uses it is refused where it does",
  limit_req_zone: "a definition that nothing here uses: what uses it is refused where it does",
  limit_conn_zone: "a definition that nothing here uses: what uses it is refused where it does",
  proxy_cache_path: "a definition that nothing here uses: what uses it is refused where it does",
  fastcgi_cache_path: "a definition that nothing here uses: what uses it is refused where it does",
};

/** `undefined`: the directive means something. Empty: nothing has to be said. */
export function leftOut(name: string): string | undefined {
  if (Object.hasOwn(NOTED, name)) return NOTED[name];
  return SILENT.includes(name) ? "" : undefined;
}
