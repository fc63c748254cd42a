// Runs before the first paint, so that a chosen theme never flashes. A file of its own, because the
// policy allows no inline script.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("palisade.theme");
  } catch {
    // Storage can be switched off; the system's preference then decides.
  }
  if (["dark", "light", "contrast"].includes(chosen)) document.documentElement.dataset.theme = chosen;
})();
