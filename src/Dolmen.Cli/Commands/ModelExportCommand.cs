using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Interchange;

namespace Dolmen.Cli.Commands;

internal static class ModelExportCommand
{
    public static Command Build()
    {
        var command = new Command("export", "Write a model as a Hugging Face folder or a GGUF file, in another precision if asked.");
        var (model, json) = (CommonOptions.RunnableModel(), CommonOptions.Json());
        var output = new Option<string>("--out")
        {
            Description = "Where it goes: a folder, or a .gguf file.",
            HelpName = "PATH",
            Required = true,
        };
        var format = new Option<string?>("--format")
        {
            Description = "huggingface or gguf; what the name of --out says when left out.", HelpName = "FORMAT",
        };
        format.AcceptOnlyFromAmong("huggingface", "gguf");
        var dtype = new Option<string?>("--dtype")
        {
            Description = "bfloat16, float16 or float32; of GGUF also Q8_0 or Q4_0. As stored when " + "left out.",
            HelpName = "TYPE",
        };
        var nonFinite = new Option<bool>("--allow-nan") { Description = "Copy weights that are NaN or infinite instead of refusing them." };
        var weightsOnly = new Option<bool>("--weights-only")
        {
            Description = "Leave the tokenizer out of a GGUF file; one that GGUF cannot hold is refused otherwise.",
        };
        command.Add(model);
        command.Add(output);
        command.Add(format);
        command.Add(dtype);
        command.Add(weightsOnly);
        command.Add(nonFinite);
        command.Add(json);
        command.Add(CommonOptions.Strict());
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var (from, target, type) = (parsed.GetRequiredValue(model), parsed.GetRequiredValue(output), parsed.GetValue(dtype));
                var isGguf = (parsed.GetValue(format) ?? FormatOf(target)) == "gguf";
                if (!isGguf && parsed.GetValue(weightsOnly))
                    throw new UserErrorException("--weights-only goes with a GGUF file: a folder keeps its tokenizer as it is.");
                work.Reads("model", ModelFolder.Locate(from));
                var written =
                    isGguf
                        ? ModelExport
                            .ToGguf(
                                from,
                                target,
                                type is null ? null : Type(type),
                                note => Console.Error.WriteLine($"dolmen: {note}"),
                                stop,
                                parsed.GetValue(weightsOnly)
                            )
                            .Name()
                        : ModelExport
                            .ToFolder(from, target, type is null ? null : TensorDtypes.Parse(type), parsed.GetValue(nonFinite), stop)
                            .HuggingFaceName();
                var config = ModelFolder.Config(from);
                work.Finish(0, new JsonObject { ["dtype"] = written }, ModelFacts.Of(config));
                if (parsed.GetValue(json))
                {
                    Console.Out.WriteLine(
                        JsonSerializer.Serialize(ModelDescription.Of(target, config), ModelCommandJson.Default.ModelDescription)
                    );
                }
                else
                    Console.Error.WriteLine($"{config.Parameters:N0} parameters in {written} written to {target}");
            }
        );
        return command;
    }

    private static string FormatOf(string target) =>
        Path.GetExtension(target).Equals(".gguf", StringComparison.OrdinalIgnoreCase) ? "gguf" : "huggingface";

    private static GgmlType Type(string name)
    {
        var type = name switch
        {
            "float32" => GgmlType.F32,
            "float16" => GgmlType.F16,
            "bfloat16" => GgmlType.BF16,
            _ => GgmlTypes.Named(name),
        };
        return type is { } known && GgmlTypes.Writable.Contains(known)
            ? known
            : throw new UserErrorException(
                $"dtype '{name}' cannot be written as GGUF: it must be float32, float16, bfloat16, Q8_0 or Q4_0."
            );
    }
}
