using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Tokenization;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class ModelCommand
{
    public static Command Build()
    {
        var command = new Command("model", "Train a base model, look at one, write it anew.");
        command.Add(PretrainCommand.Build());
        command.Add(Info());
        command.Add(Export());
        return command;
    }

    private static Command Info()
    {
        var command = new Command("info", "What a model is: sizes, parameters, operations per token, memory.");
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        command.Add(model);
        command.Add(json);
        command.Runs((parsed, _) =>
        {
            var folder = HuggingFaceFolder.Locate(parsed.GetRequiredValue(model));
            var config = HuggingFaceFolder.LoadConfig(folder);
            using (CheckpointWeights.Open(folder, config)) { }           // says so when the weights do not fit
            var info = Describe(folder, config);
            if (parsed.GetValue(json)) Console.Out.WriteLine(JsonSerializer.Serialize(info, ModelCommandJson.Default.ModelDescription));
            else Show(info);
        });
        return command;
    }

    private static Command Export()
    {
        var command = new Command("export", "Write a model as a Hugging Face folder, in another precision if asked.");
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var output = CommonOptions.Out("Where the folder goes.");
        output.Required = true;
        var dtype = new Option<string?>("--dtype") { Description = "bfloat16, float16 or float32; as stored when left out.",
            HelpName = "TYPE" };
        command.Add(model);
        command.Add(output);
        command.Add(dtype);
        command.Add(json);
        command.Runs((parsed, stop) =>
        {
            var folder = HuggingFaceFolder.Locate(parsed.GetRequiredValue(model));
            var target = Path.GetFullPath(parsed.GetRequiredValue(output)!);
            if (target == Path.GetFullPath(folder))
            {
                throw new UserErrorException($"--out is the model itself ('{target}'): name another folder.");
            }
            var config = HuggingFaceFolder.LoadConfig(folder);
            var special = TokenizerFolder.Load(folder).Special;
            using var weights = CheckpointWeights.Open(folder, config);
            var stored = weights.DtypeOf(config.Tensors()[0].Name);
            var written = parsed.GetValue(dtype) is { } name ? TensorDtypes.Parse(name) : stored;
            var card = new ModelCard(
                Path.GetFileName(target), $"Exported from another folder of the same model, weights in {written.HuggingFaceName()}.");
            HuggingFaceFolder.Save(
                target, config, Tensors(config, weights, stop), card,
                    new SpecialTokenIds(special.Bos, special.Eos, special.Pad, special.End),
                TokenizerFolder.Files.Select(file => Path.Combine(folder, file)).Where(File.Exists), written);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(Describe(target, config), ModelCommandJson.Default.ModelDescription));
            }
            else Console.Error.WriteLine($"{config.Parameters:N0} parameters in {written.HuggingFaceName()} written to {target}");
        });
        return command;
    }

    private static IEnumerable<NamedTensor> Tensors(ModelConfig config, CheckpointWeights weights, CancellationToken stop)
    {
        foreach (var tensor in config.Tensors())
        {
            stop.ThrowIfCancellationRequested();
            var values = new float[tensor.Elements];
            weights.Read(tensor.Name, values);
            yield return new NamedTensor(tensor.Name, tensor.Shape, values);
        }
    }

    private static ModelDescription Describe(string folder, ModelConfig config)
    {
        var full = config.ContextLength;
        return new ModelDescription(
            Path.GetFullPath(folder), config, config.Parameters, config.TrainingFlopsPerToken(full), config.ForwardFlopsPerToken(full),
            [.. Enum.GetValues<TensorDtype>().Select(dtype => new MemoryNeed(dtype.HuggingFaceName(), config.Parameters * dtype.Bytes(),
                [.. Lengths(full).Select(length => new StateNeed(length, config.StateBytes(length, dtype.Bytes())))]))]);
    }

    /// <summary>A quarter, half and the whole of the context.</summary>
    private static IEnumerable<int> Lengths(int context) => new[] { context / 4, context / 2, context }.Where(length => length > 0)
        .Distinct();

    private static void Show(ModelDescription info)
    {
        var err = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
        table.AddRow("folder", Markup.Escape(info.Folder));
        if (info.Config is TransformerConfig c)
        {
            table.AddRow("layout", $"{c.Layers} layers, width {c.DModel}, {c.Heads} heads of {c.HeadDim} ({c.KvHeads} key-value), " +
                $"feed-forward {c.DFeedForward}");
            table.AddRow("head", c.TieEmbeddings ? "tied to the embedding" : "its own matrix");
        }
        table.AddRow("vocabulary", $"{info.Config.VocabSize:N0}");
        table.AddRow("context", $"{info.Config.ContextLength:N0} tokens");
        table.AddRow("parameters", $"{info.Parameters:N0}");
        table.AddRow("operations per token", $"{info.TrainingFlopsPerToken:0.###e0} training, {info.InferenceFlopsPerToken:0.###e0} " +
            "inference, at full context");
        err.Write(table);
        var memory = new Table().Border(TableBorder.Rounded).AddColumn("memory").AddColumn("weights");
        foreach (var state in info.Memory[0].States) memory.AddColumn($"cache at {state.Tokens}");
        foreach (var need in info.Memory)
        {
            memory.AddRow([need.Dtype, Size(need.WeightBytes), .. need.States.Select(state => Size(state.Bytes))]);
        }
        err.Write(memory);
    }

    private static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{bytes / (double)(1L << 30):0.0} GiB",
        >= 1L << 20 => $"{bytes / (double)(1L << 20):0.0} MiB",
        _ => $"{bytes / 1024.0:0.0} KiB",
    };
}

internal sealed record StateNeed(int Tokens, long Bytes);

internal sealed record MemoryNeed(string Dtype, long WeightBytes, IReadOnlyList<StateNeed> States);

internal sealed record ModelDescription(
    string Folder, ModelConfig Config, long Parameters, double TrainingFlopsPerToken, double InferenceFlopsPerToken,
        IReadOnlyList<MemoryNeed> Memory);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ModelDescription))]
internal sealed partial class ModelCommandJson : JsonSerializerContext;
