export { ImageMount, type ImageStats, imageMount } from "./image-mount.js";
export { IMAGE_OPTIONS, type ImageFormat, type ImageOptions } from "./options.js";
