using System.CommandLine;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class ModelInfoCommand
{
    public static Command Build()
    {
        var command = new Command("info", "What a model is: sizes, parameters, operations per token, memory. A config.json alone will do.");
        var folder = new Argument<string?>("DIR") { Description = "A model folder (Hugging Face layout) or a finished run.",
            Arity = ArgumentArity.ZeroOrOne };
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        model.Required = false;
        var memory = new Option<string?>("--memory")
        {
            Description = "Also say how long a context fits into this: 80GB, 16GiB.",
            HelpName = "SIZE",
        };
        command.Add(folder);
        command.Add(model);
        command.Add(memory);
        command.Add(json);
        command.Add(CommonOptions.Strict());
        command.Runs(
            (parsed, _) =>
            {
                var named =
                    parsed.GetValue(folder)
                    ?? parsed.GetValue(model)
                    ?? throw new UserErrorException("No model is named: 'dolmen model info DIR' takes a model folder or a finished run.");
                var directory = HuggingFaceFolder.Locate(named);
                var config = HuggingFaceFolder.LoadConfig(directory);
                var hasWeights = CheckpointWeights.Exist(directory);
                if (hasWeights)
                {
                    using var weights = CheckpointWeights.Open(directory, config); // says so when they do not fit
                }
                var info = ModelDescription.Of(
                    directory,
                    config,
                    parsed.GetValue(memory) is { } size ? MemorySize.Parse(size) : null,
                    hasWeights
                );
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(info, ModelCommandJson.Default.ModelDescription));
                else
                    Show(info);
            }
        );
        return command;
    }

    private static void Show(ModelDescription info)
    {
        var err = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
        table.AddRow("folder", Markup.Escape(info.Folder));
        foreach (var (name, value) in Layout(info.Config))
            table.AddRow(name, value);
        table.AddRow("vocabulary", $"{info.Config.VocabSize:N0}");
        table.AddRow("context", $"{info.Config.ContextLength:N0} tokens");
        table.AddRow(
            "parameters",
            info.Parameters == info.ActiveParameters
                ? $"{info.Parameters:N0}"
                : $"{info.Parameters:N0}, of which a token meets {info.ActiveParameters:N0}"
        );
        table.AddRow("weights", info.HasWeights ? "complete" : "not in the folder");
        table.AddRow("operations per token", $"{info.TrainingFlopsPerToken:0.###e0} training, {info.InferenceFlopsPerToken:0.###e0} " +
            "inference, at full context");
        err.Write(table);
        var memory = new Table().Border(TableBorder.Rounded).AddColumn("memory").AddColumn("weights");
        foreach (var state in info.Memory[0].States) memory.AddColumn($"state at {state.Tokens}");
        if (info.Budget is { } budget) memory.AddColumn($"context in {MemorySize.Text(budget)}");
        foreach (var need in info.Memory)
        {
            string[] longest = info.Budget is null ? [] : [Longest(need.LargestContext)];
            memory.AddRow([
                need.Dtype,
                MemorySize.Text(need.WeightBytes),
                .. need.States.Select(state => MemorySize.Text(state.Bytes)),
                .. longest,
            ]);
        }
        err.Write(memory);
    }

    private static string ScalingName(RotaryScaling scaling) => scaling switch
    {
        LinearScaling => "linear",
        DynamicScaling => "dynamic",
        Llama3Scaling => "llama3",
        YarnScaling => "yarn",
        LongRopeScaling => "longrope",
        _ => scaling.GetType().Name,
    };

    private static string Longest(int? tokens) => tokens switch
    {
        null or 0 => "none",
        int.MaxValue => "any",
        _ => $"{tokens:N0}",
    };

    private static IEnumerable<(string Name, string Value)> Layout(ModelConfig config)
    {
        if (config is DolmenConfig own)
        {
            foreach (var line in Layout(own.Portable() with { Head = own.Head }))
                yield return line;
            if (own.BigramRows + own.TrigramRows > 0)
                yield return ("n-gram tables", $"{own.BigramRows:N0} rows for two tokens, {own.TrigramRows:N0} for three");
            yield break;
        }
        if (config is TransformerConfig c)
        {
            yield return (
                "layout",
                $"{c.Layers} layers, width {c.DModel}, {c.Heads} heads of {c.HeadDim} ({c.KvHeads} key-value), "
                    + $"feed-forward {c.DFeedForward}"
            );
            yield return (
                "attention",
                c switch
                {
                    { Window: null } => "every layer sees the whole context",
                    { WindowLayers: null } => $"every layer sees {c.Window} tokens",
                    _ =>
                        $"{c.WindowLayers.Count(letter => letter == 'S')} of {c.Layers} layers see {c.Window} tokens, the others the whole "
                            + $"context",
                }
            );
            yield return (
                "positions",
                c.Positions != PositionKind.Rotary
                    ? $"{c.Positions}"
                    : $"rotary, base {c.RopeTheta}"
                        + $"{(c.RopeScaling is { } scaling ? $", {ScalingName(scaling)} scaling by {scaling.Factor}" : "")}"
            );
            yield return ("activation", ActivationNames.Of(c.Activation));
        }
        else if (config is DecoderConfig decoder)
        {
            var plan = decoder.Plan();
            yield return ("layout", $"{plan.Blocks.Count} layers, width {plan.DModel}");
            if (config is Gpt2Config gpt2) yield return ("activation", ActivationNames.Of(gpt2.Activation));
        }
        if (config is DecoderConfig { } any)
        {
            yield return (
                "head",
                any.Plan().Head switch
                {
                    LanguageHeadSpec { IsTied: true } => "tied to the embedding",
                    ScalarHeadSpec => "one number: a reward, a value",
                    ClassHeadSpec { Pooling: Pooling.Mean } classes => $"{classes.Projection.Outputs} classes, of the mean over all tokens",
                    ClassHeadSpec classes => $"{classes.Projection.Outputs} classes, of the last token",
                    _ => "its own matrix",
                }
            );
        }
    }
}
