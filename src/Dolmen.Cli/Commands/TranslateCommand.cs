using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Evaluation;
using Dolmen.Inference;
using Dolmen.Pipeline.Reports;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

/// <summary><c>model translate</c> and <c>eval translate</c>.</summary>
internal static class TranslateCommand
{
    public static Command Build()
    {
        var command = new Command("translate", "Write the target of a source with an encoder-decoder.");
        var (model, beam, penalty, threads, json) = (
            CommonOptions.Model(),
            Beam(),
            LengthPenalty(),
            CommonOptions.Threads(),
            CommonOptions.Json()
        );
        var input = new Option<string>("--input")
        {
            Description = "The source; '-' reads standard input, a source each line.",
            HelpName = "TEXT",
            Required = true,
        };
        var attention = new Option<string?>("--attention")
        {
            Description = "Draw what each target token looked at, of the first source, as SVG.",
            HelpName = "FILE",
        };
        foreach (var option in new Option[] { model, input, beam, penalty, attention, threads, json, CommonOptions.Strict() })
            command.Add(option);
        command.Runs(
            (parsed, stop) =>
            {
                var (loaded, tokenizer) = Load(parsed.GetRequiredValue(model), parsed.GetValue(threads));
                using var owned = loaded;
                var translator = new Translator(loaded, tokenizer);
                var options = new TranslationOptions(parsed.GetValue(beam), parsed.GetValue(penalty));
                var text = parsed.GetRequiredValue(input);
                var map = parsed.GetValue(attention);
                var results = new List<TranslatedText>();
                foreach (
                    var source in text == "-"
                        ? StandardInput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                        : [text]
                )
                {
                    var translation = translator.Translate(source, options, stop);
                    if (map is not null)
                    {
                        if (translation.Attention.Count == 0)
                            throw new UserErrorException("--attention: this model has no attention to draw. Leave the option out.");
                        string Name(int token) => token == tokenizer.Special.Eos ? "end" : tokenizer.Decode([token]);
                        // A translation cut off at its longest has no row for the end.
                        var rows = translation.Target.Append(tokenizer.Special.Eos).Take(translation.Attention.Count);
                        AtomicFile.WriteText(
                            map,
                            AttentionMap.Svg([.. translation.Source.Select(Name)], [.. rows.Select(Name)], translation.Attention)
                        );
                        map = null;
                    }
                    results.Add(new TranslatedText(source, translation.Text, translation.LogProb));
                    if (!parsed.GetValue(json))
                        Console.Out.WriteLine(translation.Text);
                }
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(results, TranslateCommandJson.Default.ListTranslatedText));
            }
        );
        return command;
    }

    public static Command Evaluate()
    {
        var command = new Command("translate", "Translate sources and compare with their targets: BLEU, chrF, exact matches.");
        var (model, beam, penalty, threads, json) = (
            CommonOptions.Model(),
            Beam(),
            LengthPenalty(),
            CommonOptions.Threads(),
            CommonOptions.Json()
        );
        var pairs = new Option<string>("--pairs")
        {
            Description = "Sources and targets as 'model pretrain' takes them.",
            HelpName = "FILE[,FILE]",
            Required = true,
        };
        var limit = new Option<int>("--limit") { Description = "Take only the first so many pairs; 0 takes all.", HelpName = "N" };
        foreach (var option in new Option[] { model, pairs, beam, penalty, limit, threads, json, CommonOptions.Strict() })
            command.Add(option);
        command.Runs(
            (parsed, stop) =>
            {
                var (loaded, tokenizer) = Load(parsed.GetRequiredValue(model), parsed.GetValue(threads));
                using var owned = loaded;
                var tally = new DataTally(PairFiles.Unit);
                IReadOnlyList<TextPair> read = [.. PairFiles.Read(parsed.GetRequiredValue(pairs), tally).Select(pair => pair.Pair)];
                if (parsed.GetValue(limit) is > 0 and var most && most < read.Count)
                {
                    tally.Drop("beyond-limit", default, read.Count - most);
                    read = [.. read.Take(most)];
                }
                tally.Use(read.Count);
                Console.Error.WriteLine(tally.ToCounts());
                TranslationScores scores;
                using (var progress = new ConsoleProgress(parsed.GetValue(json)))
                    scores = TranslationEvaluation.Run(
                        loaded,
                        tokenizer,
                        read,
                        new TranslationOptions(parsed.GetValue(beam), parsed.GetValue(penalty)),
                        progress,
                        stop
                    );
                if (parsed.GetValue(json))
                    Console.Out.WriteLine(JsonSerializer.Serialize(scores, TranslateCommandJson.Default.TranslationScores));
                else
                    Console.Error.WriteLine(
                        $"BLEU {scores.Bleu:0.00} · chrF {scores.Chrf:0.00} · exact {scores.Exact:P2} · {scores.Sentences} sentences in "
                            + $"{scores.Seconds:0.0} s ({scores.Signature})"
                    );
            }
        );
        return command;
    }

    private static (EncoderDecoderModel, Tokenizer) Load(string folder, int? threads)
    {
        var (loaded, tokenizer) = ModelFolder.Load(folder, threads);
        if (loaded is EncoderDecoderModel pair) return (pair, tokenizer);
        loaded.Dispose();
        throw new UserErrorException(
            $"'{folder}' continues one text and has no source: use 'generate', or a seq2seq or encoder-decoder model."
        );
    }

    private static Option<int> Beam() =>
        new("--beam")
        {
            Description = "Hypotheses kept at every step (1: greedy).",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };

    private static Option<double> LengthPenalty() => new("--length-penalty")
    {
        Description = "How much long targets are favoured in a beam.", HelpName = "A", DefaultValueFactory = _ => 1,
    };
}

internal sealed record TranslatedText(string Source, string Target, double LogProb);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(List<TranslatedText>))]
[JsonSerializable(typeof(TranslationScores))]
internal sealed partial class TranslateCommandJson : JsonSerializerContext;
