using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Pipeline;
using Dolmen.Pipeline.Interchange;

namespace Dolmen.Cli.Commands;

internal static class ModelImportCommand
{
    public static Command Build()
    {
        var command = new Command("import", "Turn a model file of llama.cpp (.gguf) or llama2.c (.bin) into a Hugging Face folder.");
        var from = new Option<string>("--from") { Description = "The model file.", HelpName = "FILE", Required = true };
        var tokenizer = new Option<string?>("--tokenizer-bin") { Description = "llama2.c's tokenizer file; goes with a .bin model.",
            HelpName = "FILE" };
        var output = CommonOptions.Out("Where the folder goes.");
        output.Required = true;
        var dtype = new Option<string?>("--dtype")
        {
            Description = "bfloat16, float16 or float32; as stored when left out, float32 for a " + "quantised file.",
            HelpName = "TYPE",
        };
        var weightsOnly = new Option<bool>("--weights-only")
        {
            Description = "Leave the tokenizer of a .gguf file out; one that Dolmen cannot use " + "is refused otherwise.",
        };
        var json = CommonOptions.Json();
        command.Add(from);
        command.Add(tokenizer);
        command.Add(output);
        command.Add(dtype);
        command.Add(weightsOnly);
        command.Add(json);
        command.RunsInto(
            output,
            (parsed, work, stop) =>
            {
                var (path, target) = (parsed.GetRequiredValue(from), parsed.GetRequiredValue(output)!);
                InputPlace.ThrowUnlessFile(path, "--from");
                work.Reads("model", path);
                work.Reads("tokenizer", parsed.GetValue(tokenizer));
                TensorDtype? wanted = parsed.GetValue(dtype) is { } name ? TensorDtypes.Parse(name) : null;
                var imported = Path.GetExtension(path) switch
                {
                    ".gguf" => ModelImport.FromGguf(path, target, wanted, parsed.GetValue(weightsOnly), stop),
                    ".bin" when parsed.GetValue(weightsOnly) => throw new UserErrorException(
                        $"'{path}' has no tokenizer to leave out: --weights-only goes with a .gguf file."
                    ),
                    ".bin" when parsed.GetValue(tokenizer) is { } vocabulary => ModelImport.FromLlama2C(
                        path,
                        vocabulary,
                        target,
                        wanted ?? TensorDtype.Float32
                    ),
                    ".bin" => throw new UserErrorException($"'{path}' has no tokenizer in it: name llama2.c's with --tokenizer-bin."),
                    var other => throw new UserErrorException(
                        $"'{path}' ends in '{other}': a model file ends in .gguf (llama.cpp) or .bin (llama2.c)."
                    ),
                };
                var settings = new JsonObject
                {
                    ["dtype"] = imported.Dtype.HuggingFaceName(), ["weightsOnly"] = parsed.GetValue(weightsOnly),
                };
                work.Finish(0, settings, ModelFacts.Of(imported.Config));
                if (imported.Note is { } note)
                    Console.Error.WriteLine($"dolmen: {note}");
                if (parsed.GetValue(json))
                {
                    var info = ModelDescription.Of(target, imported.Config);
                    Console.Out.WriteLine(JsonSerializer.Serialize(info, ModelCommandJson.Default.ModelDescription));
                }
                else
                    Console.Error.WriteLine(
                        $"{imported.Config.Parameters:N0} parameters in {imported.Dtype.HuggingFaceName()} written to {target}"
                    );
            }
        );
        return command;
    }
}
