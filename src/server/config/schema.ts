import { OPTIONS, SETTINGS, type Setting } from "../config.ts";
import { type JsonSchema, textForm } from "./file-forms.ts";
import { environmentName, type Option } from "./option.ts";

/** The JSON schema of configuration files; docs/holdfast.schema.json. What one setting needs of another it does not say. */
export function configSchema(): JsonSchema {
  const settings = SETTINGS.filter((setting) => setting !== "configFile");
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Holdfast configuration",
    description:
      "What `holdfast --config FILE` reads, in YAML or JSON. Flags and variables of the environment win over it.",
    type: "object",
    properties: {
      $schema: { type: "string", description: "Where this schema is, for editors." },
      ...Object.fromEntries(settings.map((setting) => [OPTIONS[setting].name, optionSchema(setting)])),
    },
    additionalProperties: false,
  };
}

function optionSchema(setting: Setting): JsonSchema {
  const option = OPTIONS[setting] as Option<unknown>;
  const { name, kind, doc, defaultDoc } = option;
  const form = kind.inFile ?? textForm();
  const isFixed = defaultDoc === undefined && typeof option.default !== "function";
  return {
    description: defaultDoc === undefined ? doc : `${doc} Default: ${defaultDoc}.`,
    ...form.schema,
    ...(isFixed && { default: form.jsonOf(kind.format(option.default ?? "")) }),
    "x-flag": `--${name}`,
    "x-environment-variable": environmentName(name),
    "x-commands": option.commands.filter((command) => command !== "config"),
  };
}
