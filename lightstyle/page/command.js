// The command that makes the same picture, by the schema of the settings.

/** Write the command of a job, whose pictures have names by role. */
export function commandLine({ job, settings, size, model, format }, names, { settings: { properties }, commands }) {
  const words = ["lightstyle", commands[job], ...(names.content ?? []), ...(names.style ?? [])];
  if (size) words.push("--size", size.join("x"));
  for (const [name, about] of Object.entries(properties)) {
    const value = about["x-picture"] ? pictured(settings[name], names[name]) : settings[name];
    if (value === undefined || value === null || value === false) continue;
    const option = about["x-option"];
    if (value === true) words.push(option);
    else if (about["x-repeated"]) for (const each of value) words.push(option, each);
    else if (about["x-picture"]) words.push(option, ...[value].flat());
    else words.push(option, [value].flat().join());
  }
  words.push("--model", model, "-o", `out.${format}`);
  return words.map((word) => quoted(String(word))).join(" ");
}

/** A setting that is pictures: the words, with names of files where null stands. */
function pictured(value, files = []) {
  const left = [...files];
  if (!Array.isArray(value)) return value ?? (left.length > 1 ? left : left[0]);
  return value.map((each) => each ?? left.shift());
}

const quoted = (word) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
