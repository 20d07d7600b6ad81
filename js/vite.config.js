import { defineConfig } from "vite";

// One self-contained ESM and one style sheet: anywidget loads both from the Python package.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "../zego_widget/static",
    emptyOutDir: true,
    reportCompressedSize: false,
    lib: {
      entry: "src/widget.ts",
      formats: ["es"],
      fileName: () => "widget.js",
      cssFileName: "widget",
    },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
