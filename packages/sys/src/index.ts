export { checking as isChecking } from "./address-check.js";
export * from "./constants.js";
export { fcntl, setCloseOnExec, setNonBlocking } from "./descriptor.js";
export { type DirectoryEntry, readDirectory } from "./directory.js";
export { EpollEvents, epollCreate, epollCtl, epollWait } from "./epoll.js";
export { ERRNO, type ErrnoName, errnoName } from "./errno.js";
export {
  BadAddressError,
  BadArgumentError,
  orThrow,
  ReleasedError,
  SYS_ERROR_CODES,
  SysError,
  UnsupportedError,
} from "./errors.js";
export {
  close,
  fadvise,
  fstat,
  hasOpenat2,
  openat,
  openat2,
  openat2Range,
  pread,
  preadv2,
  pwrite,
  read,
  readlinkat,
  sendfile,
  statx,
  write,
} from "./file.js";
export {
  type InotifyEvent,
  inotifyAddWatch,
  inotifyInit,
  inotifyRmWatch,
  parseInotify,
  readInotify,
} from "./inotify.js";
export { IoVector } from "./io-vector.js";
export { ftruncate, type MapOptions, madvise, memfdCreate, mmap } from "./memory.js";
export { MessageHeader } from "./message-header.js";
export { nativeCallback } from "./native.js";
export {
  copyFromOpenssl,
  copyMemory,
  copyToOpenssl,
  type OpenSsl,
  openssl,
  opensslSupported,
  SSL_CTRL_CHAIN_CERT,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_GROUPS_LIST,
  SSL_CTRL_SET_MAX_PROTO_VERSION,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_READ_AHEAD,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_CTRL_SET_TLSEXT_HOSTNAME,
  SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
  SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP,
  SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
  SSL_ERROR_NONE,
  SSL_ERROR_SSL,
  SSL_ERROR_SYSCALL,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_WANT_WRITE,
  SSL_ERROR_ZERO_RETURN,
  SSL_FILETYPE_PEM,
  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  SSL_MODE_ENABLE_PARTIAL_WRITE,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_OP_IGNORE_UNEXPECTED_EOF,
  SSL_OP_NO_RENEGOTIATION,
  SSL_SESS_CACHE_OFF,
  SSL_TICKET_KEY_BYTES,
  SSL_TLSEXT_ERR_ALERT_FATAL,
  SSL_TLSEXT_ERR_NOACK,
  SSL_TLSEXT_ERR_OK,
  SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
  SSL_VERIFY_PEER,
  TLS1_2_VERSION,
  TLS1_3_VERSION,
  takeOpensslErrors,
} from "./openssl.js";
export { eventfd, pipe2, splice } from "./pipe.js";
export {
  getNoNewPrivileges,
  getResourceLimit,
  type ResourceLimit,
  schedGetaffinity,
  schedSetaffinity,
  setNoNewPrivileges,
  setResourceLimit,
} from "./process.js";
export { type AllocateOptions, Region } from "./region.js";
export { type RegionStats, regionStats } from "./region-registry.js";
export type { Path } from "./scratch.js";
export {
  accept4,
  bind,
  connect,
  describe,
  familyOf,
  getpeername,
  getsockname,
  getsockopt,
  listen,
  readv,
  recv,
  recvmsg,
  send,
  sendmsg,
  setLinger,
  setsockopt,
  shutdown,
  socket,
  socketpair,
  takeSocketError,
  tcpBytesAcked,
  trySetsockopt,
  writev,
} from "./socket.js";
export {
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
} from "./socket-address.js";
export { StatBuffer } from "./stat-buffer.js";
export { isSupported, type Support } from "./support.js";
export { type Watch, type WatchMethod, watchMethod, watchReadable } from "./watch/watch.js";
