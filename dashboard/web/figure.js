// The SVG is the report's own, its names escaped; nothing else may be passed here.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.figure');
  root.innerHTML = `<div class="wide">${data.wide}</div><div class="narrow">${data.narrow}</div>`;
  root.setAttribute('aria-label', data.alt);
}
