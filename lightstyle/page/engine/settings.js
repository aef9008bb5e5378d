// The settings of a run: those that were given, and for all others the defaults of Python's
// table, which `settings.json` holds.

import { settings as method } from "./constants.js";
import { Problem } from "./problem.js";
import { supports } from "./supports.js";

/** The schema of all settings, with the defaults and limits of a device where it has its own. */
export function schemaOn(device, { settings, devices = {} }) {
  const own = devices[device]?.settings ?? {};
  const properties = Object.entries(settings.properties).map(([name, each]) => [name, { ...each, ...own[name] }]);
  return { ...settings, properties: Object.fromEntries(properties) };
}

/**
 * Complete and check settings.
 *
 * @param schema the JSON schema of all settings
 * @param given those that differ from the default
 * @returns plain values by name, all of them, as a record has them
 */
export function completed(schema, given) {
  const unknown = Object.keys(given).find((name) => !(name in schema.properties));
  if (unknown) throw new Problem("settings", `${unknown} is no setting`);
  const names = Object.entries(schema.properties);
  const made = Object.fromEntries(names.map(([name, about]) => [name, about.default ?? null]));
  for (const [name, value] of Object.entries(given)) {
    if (JSON.stringify(value) === JSON.stringify(made[name])) continue;
    const done = supports.settings[name];
    const reason = typeof done === "object" ? done[value] : done;
    if (reason !== true)
      throw new Problem("settings", `${name}: ${reason ?? `${value} is not possible here`}`);
    made[name] = value;
  }
  return made;
}

/**
 * Return the strength for which weights are to be found; null if they are given.
 *
 * @param usual the strength that no strength stands for
 */
export function dial(settings, usual) {
  const { content_weight, style_weight, strength } = settings;
  return content_weight === null && style_weight === null ? (strength ?? usual) : null;
}

/** Weights of the three parts of the loss that settings give, with defaults for others. */
export const givenBalance = ({ content_weight, style_weight, tv_weight }) => ({
  content: content_weight ?? method.CONTENT_WEIGHT,
  style: style_weight ?? method.STYLE_WEIGHT,
  tv: tv_weight ?? 0,
});

/**
 * Return the shares of the layers in `text`, "conv1_1:0.5,conv2_1", by layer.
 *
 * @param known the layers that the model has, in the network's order
 */
export function shares(text, known, kind) {
  const weights = new Map();
  for (const part of text.split(",").filter((each) => each.trim())) {
    const [layer, weight = "1"] = part.split(":").map((side) => side.trim());
    weights.set(layer, Number(weight));
  }
  const used = [...weights].filter(([, weight]) => weight > 0);
  const lacking = used.find(([layer]) => !known.includes(layer));
  if (lacking)
    throw new Problem(
      "settings",
      `${lacking[0]} is no ${kind} layer of the model that is loaded here, which has ` +
        known.join(", "),
    );
  const total = used.reduce((sum, [, weight]) => sum + weight, 0);
  return Object.fromEntries(
    known
      .filter((layer) => weights.get(layer) > 0)
      .map((layer) => [layer, weights.get(layer) / total]),
  );
}

/** One number for each of `count` styles, from a list or one for all. */
export function forStyles(value, count, name) {
  const list = Array.isArray(value) ? value : Array(count).fill(value);
  if (list.length !== count)
    throw new Problem(
      "settings",
      `${name} has ${list.length} numbers, expected one for each of ${count} styles`,
    );
  return list;
}
