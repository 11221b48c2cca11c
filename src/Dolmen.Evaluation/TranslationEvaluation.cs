using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Evaluation.Translation;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Evaluation;

/// <param name="Exact">Share of targets that were written letter for letter.</param>
/// <param name="Signature">How the scores were computed, in sacreBLEU's words.</param>
public sealed record TranslationScores(double Bleu, double Chrf, double Exact, int Sentences, double Seconds, int Beam, string Signature);

public static class TranslationEvaluation
{
    private const string Signature = "BLEU nrefs:1 case:mixed eff:no tok:13a smooth:exp; chrF2 nc:6 nw:0 space:no";

    public static TranslationScores Run(
        EncoderDecoderModel model,
        Tokenizer tokenizer,
        IReadOnlyList<TextPair> pairs,
        TranslationOptions options,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        var translator = new Translator(model, tokenizer);
        var started = Stopwatch.GetTimestamp();
        var written = new List<string>(pairs.Count);
        foreach (var pair in pairs)
        {
            written.Add(translator.Translate(pair.Source, options, stop).Text.Trim());
            if (written.Count % 10 == 0) progress.Report(new StageProgress("translate", written.Count, pairs.Count, "sentences"));
        }
        string[] wanted = [.. pairs.Select(pair => pair.Target)];
        return new TranslationScores(
            Translation.Bleu.Score(written, wanted),
            Translation.Chrf.Score(written, wanted),
            written.Zip(wanted).Count(pair => pair.First == pair.Second) / (double)pairs.Count,
            pairs.Count,
            Stopwatch.GetElapsedTime(started).TotalSeconds,
            options.Beam,
            Signature
        );
    }
}
