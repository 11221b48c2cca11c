using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Pipeline;

namespace Dolmen.Cli.Commands;

/// <summary><c>model logits</c>.</summary>
internal static class ModelLogitsCommand
{
    public static Command Build()
    {
        var command = new Command("logits", "Write what a model says after each of some tokens, to compare it with other software.");
        var (model, json, threads) = (CommonOptions.RunnableModel(), CommonOptions.Json(), CommonOptions.Threads());
        var precision = CommonOptions.Precision();
        var ids = new Option<string>("--ids")
        {
            Description = "Token ids, parted by commas.",
            HelpName = "5,17,3",
            Required = true,
        };
        var output = new Option<string>("--out")
        {
            Description = "A safetensors file: logits (T, V), float32.",
            HelpName = "FILE",
            Required = true,
        };
        var mode = new Option<string?>("--mode")
        {
            Description = "parallel: all positions at once, what is taken for a folder. recurrent: one token after the other, the only way "
                + "for a .gguf file.",
        };
        mode.AcceptOnlyFromAmong("parallel", "recurrent");
        var dtype = new Option<string>("--dtype")
        {
            Description = "What a parallel pass computes in: float32 or bfloat16.",
            DefaultValueFactory = _ => "float32",
        };
        dtype.AcceptOnlyFromAmong("float32", "bfloat16");
        var hidden = new Option<bool>("--hidden") { Description = "Also hidden_states.N (T, D) of a parallel pass." };
        var source = new Option<string?>("--source")
        {
            Description = "What an encoder-decoder reads; --ids are then its target, from the token that begins one.",
            HelpName = "5,17,3",
        };
        Option[] options = [model, ids, source, output, mode, dtype, precision, hidden, threads, json, CommonOptions.Strict()];
        foreach (var option in options)
            command.Add(option);
        command.RunsInto(
            output,
            (parsed, work, _) =>
            {
                var path = Path.GetFullPath(parsed.GetRequiredValue(output));
                var tokens = Ids("--ids", parsed.GetRequiredValue(ids));
                Engine.Start(parsed.GetValue(threads));
                work.Reads("model", parsed.GetRequiredValue(model));
                var taken = parsed.GetValue(mode) ?? (ModelFolder.IsGguf(parsed.GetRequiredValue(model)) ? "recurrent" : "parallel");
                ModelLogits.Write(
                    parsed.GetRequiredValue(model),
                    tokens,
                    path,
                    taken == "recurrent" ? LogitsMode.Recurrent : LogitsMode.Parallel,
                    parsed.GetValue(dtype) == "bfloat16",
                    parsed.GetValue(hidden),
                    parsed.GetValue(source) is { } text ? Ids("--source", text) : null,
                    CommonOptions.PrecisionOf(parsed, precision)
                );
                var settings = new JsonObject
                {
                    ["ids"] = parsed.GetRequiredValue(ids), ["source"] = parsed.GetValue(source), ["mode"] = taken,
                    ["dtype"] = parsed.GetValue(dtype), ["precision"] = parsed.GetValue(precision),
                    ["hidden"] = parsed.GetValue(hidden),
                };
                work.Finish(0, settings, new JsonObject { ["positions"] = tokens.Count });
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(
                        JsonSerializer.Serialize(new LogitsOutcome(path, tokens.Count), ModelLogitsJson.Default.LogitsOutcome)
                    );
                else
                    Console.Error.WriteLine($"logits of {tokens.Count} positions written to {path}");
            }
        );
        return command;
    }

    private static List<int> Ids(string option, string text)
    {
        var ids = new List<int>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                throw new UserErrorException(
                    $"{option} has '{part}': token ids are whole numbers parted by commas, for example {option} 5,17,3."
                );
            }
            ids.Add(id);
        }
        return ids;
    }
}

internal sealed record LogitsOutcome(string File, int Tokens);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(LogitsOutcome))]
internal sealed partial class ModelLogitsJson : JsonSerializerContext;
