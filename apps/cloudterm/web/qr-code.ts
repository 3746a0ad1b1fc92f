import { encode } from "uqr";

const SVG = "http://www.w3.org/2000/svg";

/** A text as a QR code: dark on white in every theme, as cameras expect it. */
export function qrCode(text: string): SVGSVGElement {
  const { size, data } = encode(text, { border: 2 });
  const image = document.createElementNS(SVG, "svg");
  image.setAttribute("class", "qr");
  image.setAttribute("viewBox", `0 0 ${size} ${size}`);
  image.setAttribute("shape-rendering", "crispEdges");
  image.setAttribute("role", "img");
  image.setAttribute("aria-label", "QR code of the secret");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("fill", "#000");
  const squares = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  path.setAttribute("d", squares.join(""));
  image.append(path);
  return image;
}
