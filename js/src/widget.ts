import "./view/style.css";
import "./view/video-view.css";
import "./view/diagnosis.css";
import { Kernel, type WidgetModel } from "./call/kernel";
import { followCall } from "./call/registry";
import { mount } from "./view/mount";

// The notebook's entry (anywidget): once per widget model, then once per view. Each call owns what it starts
// through an AbortController; the function it returns ends all of it.

function initialize({ model }: { model: WidgetModel }): () => void {
  const owner = new AbortController();
  const kernel = new Kernel(model);
  followCall(kernel, (call, attached) => call?.attachKernel(kernel, attached), owner.signal);
  return () => owner.abort();
}

function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  const owner = new AbortController();
  mount(el, new Kernel(model), owner.signal);
  return () => owner.abort();
}

export default { initialize, render };
