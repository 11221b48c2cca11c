using System.Diagnostics;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

public sealed record SamplingOptions(float Temperature = 1, int TopK = 0, float TopP = 1, float MinP = 0, ulong Seed = 0);

public sealed record GenerationOptions(SamplingOptions Sampling, int MaxTokens, IReadOnlyList<string> StopStrings);

public sealed record GenerationResult(string Text, string FinishReason, int PromptTokens, int GeneratedTokens, double PrefillSeconds,
    double DecodeSeconds);

public sealed class Generator(LanguageModel model, Tokenizer tokenizer)
{
    public GenerationResult Generate(ReadOnlySpan<int> prompt, GenerationOptions options, Action<string> onText, CancellationToken stop)
    {
        var special = tokenizer.Special;
        var state = model.NewState(prompt.Length + options.MaxTokens);
        var logits = new float[model.Config.VocabSize];
        var random = new StableRandom(options.Sampling.Seed);
        var started = Stopwatch.GetTimestamp();
        model.Prefill(prompt, state, logits);
        var prefill = Stopwatch.GetElapsedTime(started).TotalSeconds;
        started = Stopwatch.GetTimestamp();
        var text = new StringBuilder();
        var decoder = Encoding.UTF8.GetDecoder();
        var (shown, generated, reason) = (0, 0, "length");
        while (generated < options.MaxTokens)
        {
            stop.ThrowIfCancellationRequested();
            var token = Sample(logits, options.Sampling, ref random);
            generated++;
            if (token >= special.Bos && token <= special.End)
            {
                reason = "stop";
                break;
            }
            Append(text, decoder, tokenizer.BytesOf(token), flush: false);
            var whole = text.ToString();
            var at = options.StopStrings.Select(s => whole.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1)
                .Min();
            if (at >= 0)
            {
                text.Length = at;
                reason = "stop";
                break;
            }
            var held = options.StopStrings.Select(s => Held(whole, s)).DefaultIfEmpty(0).Max();
            if (whole.Length - held > shown)
            {
                onText(whole[shown..^held]);
                shown = whole.Length - held;
            }
            if (generated < options.MaxTokens) model.Step(token, state, logits);
        }
        if (reason == "length") Append(text, decoder, [], flush: true);
        if (text.Length > shown) onText(text.ToString(shown, text.Length - shown));
        return new GenerationResult(text.ToString(), reason, prompt.Length, generated, prefill,
            Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static int Held(string text, string stop) =>
        Enumerable.Range(1, Math.Min(stop.Length - 1, text.Length)).LastOrDefault(n => text.EndsWith(stop[..n], StringComparison.Ordinal));

    private static void Append(StringBuilder text, Decoder decoder, ReadOnlySpan<byte> bytes, bool flush)
    {
        var chars = new char[bytes.Length + 4];
        text.Append(chars, 0, decoder.GetChars(bytes, chars, flush));
    }

    private static int Sample(float[] logits, SamplingOptions options, ref StableRandom random)
    {
        var order = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ToArray();
        if (options.Temperature <= 0) return order[0];
        var weights = order.Select(i => Math.Exp((logits[i] - logits[order[0]]) / options.Temperature)).ToArray();
        var total = weights.Sum();
        var (kept, mass) = (0, 0.0);
        while (kept < weights.Length && (kept == 0
            || (mass < options.TopP * total && (options.TopK == 0 || kept < options.TopK)
                && weights[kept] >= options.MinP))) mass += weights[kept++];
        var draw = random.NextDouble() * mass;
        for (var i = 0; i < kept; i++)
        {
            draw -= weights[i];
            if (draw < 0) return order[i];
        }
        return order[kept - 1];
    }
}
