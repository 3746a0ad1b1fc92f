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
export { eventfd, pipe2, splice } from "./pipe.js";
export {
  getResourceLimit,
  type ResourceLimit,
  schedGetaffinity,
  schedSetaffinity,
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
