/**
 * JupyterLab's extension: lets the kernels of all notebooks ask for them (bridge.js).
 *
 * It is what a bundler would make of it, a container of module federation, written by hand; so there is no build. JupyterLab
 * 4 and Notebook 7 load it from share/jupyter/labextensions/chatnb (setup.cfg, data_files).
 */
(() => {
  const folder = new URL(".", /** @type {HTMLScriptElement} */ (document.currentScript).src);
  /** @type {any} the modules that JupyterLab shares */
  let scope;

  /** @param {string} name */
  async function shared(name) {
    const versions = Object.values(scope[name]);
    return (await versions[versions.length - 1].get())();
  }

  async function extension() {
    /** @type {{INotebookTracker: unknown}} */
    const { INotebookTracker } = await shared("@jupyterlab/notebook");
    /** @type {typeof import("./bridge.js")} */
    const { serve } = await import(new URL("bridge.js", folder).href);
    return {
      id: "chatnb:bridge",
      description: "Lets %%chat read cells that are not saved and put several new ones below its own.",
      autoStart: true,
      requires: [INotebookTracker],
      /** @param {unknown} _ @param {any} tracker */
      activate(_, tracker) {
        const follow = (/** @type {any} */ panel) => serve(panel.context);
        tracker.forEach(follow);
        tracker.widgetAdded.connect((/** @type {unknown} */ __, /** @type {any} */ panel) => follow(panel));
      },
    };
  }

  const page = /** @type {any} */ (window);
  page._JUPYTERLAB ??= {};
  page._JUPYTERLAB.chatnb = {
    init(/** @type {unknown} */ given) {
      scope = given;
    },
    async get() {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
