import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.PALISADE_URL ?? "http://127.0.0.1:8787";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    // The policy is `default-src 'self'`: nothing may become a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    manifest: true,
  },
  server: { proxy: { "/api": { target: server }, "/readyz": { target: server } } },
});
