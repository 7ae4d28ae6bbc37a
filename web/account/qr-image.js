// A QR code as a picture: one path, sharp at every size.

import { qr } from "./qr.js";

const QUIET = 4; // modules of light around it, as readers need

/** An SVG of the code of `text`, named `label` for those who do not see it. */
export function qrImage(text, label) {
  const rows = qr(text);
  const size = rows.length + 2 * QUIET;
  const svg = make("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label });
  const dark = rows.flatMap((row, y) => row.map((on, x) => (on ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : "")));
  svg.append(
    make("rect", { class: "light", width: size, height: size }),
    make("path", { class: "dark", d: dark.join("") }),
  );
  return svg;
}

function make(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
