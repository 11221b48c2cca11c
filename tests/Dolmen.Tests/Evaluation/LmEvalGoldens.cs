using System.Text.Json;
using Dolmen.Evaluation;
using Dolmen.Evaluation.Tasks;

namespace Dolmen.Tests.Evaluation;

/// <summary>Figures that lm-evaluation-harness computed.</summary>
public class LmEvalGoldens
{
    private static readonly JsonElement Golden =
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Evaluation", "Goldens", "lm_eval.json"))).RootElement;

    [Fact]
    public void Choices_are_normalised_by_their_characters_and_picked_as_the_harness_picks()
    {
        foreach (var item in Golden.GetProperty("hellaswag").EnumerateArray())
        {
            var logLikelihoods = Doubles(item.GetProperty("loglikelihoods"));
            var characters = item.GetProperty("choices").EnumerateArray()
                .Select(choice => MultipleChoiceTask.Characters(choice.GetString() ?? "")).ToArray();
            Assert.Equal(item.GetProperty("chars").EnumerateArray().Select(count => count.GetInt32()), characters);
            var normalised = logLikelihoods.Zip(characters, (sum, count) => sum / count).ToArray();
            Assert.Equal(Doubles(item.GetProperty("normalised")), normalised);
            var (result, gold) = (item.GetProperty("result"), item.GetProperty("gold").GetInt32());
            Assert.Equal(result.GetProperty("acc").GetDouble(), ArgMax.Of<double>(logLikelihoods) == gold ? 1 : 0);
            Assert.Equal(result.GetProperty("acc_norm").GetDouble(), ArgMax.Of<double>(normalised) == gold ? 1 : 0);
        }
    }

    [Fact]
    public void The_standard_error_of_a_rate_is_the_harness_s()
    {
        var golden = Golden.GetProperty("stderr");
        var rate = Proportion.Of(Doubles(golden.GetProperty("scores")), score => score == 1);
        Assert.Equal(golden.GetProperty("mean").GetDouble(), rate.Rate ?? -1, 12);
        Assert.Equal(golden.GetProperty("mean_stderr").GetDouble(), rate.Stderr ?? -1, 12);
    }

    [Fact]
    public void Long_texts_are_cut_into_the_harness_s_rolling_windows()
    {
        var checkedCases = 0;
        foreach (var item in Golden.GetProperty("rolling_windows").EnumerateArray()
            .Where(item => item.GetProperty("context_len").GetInt32() == 1))
        {
            // the prefix token is 0, the text 1, 2, …
            var tokens = Enumerable.Range(0, item.GetProperty("n_tokens").GetInt32() + 1).ToArray();
            var windows = RollingWindows.Of(tokens.Length, item.GetProperty("max_seq_len").GetInt32())
                .Select(window => (Context: tokens[window.Tokens][..window.From], Scored: tokens[window.Tokens][window.From..])).ToList();
            var expected = item.GetProperty("windows").EnumerateArray()
                .Select(window => (Context: Ints(window[0]), Scored: Ints(window[1]))).ToList();
            Assert.Equal(expected.Select(window => window.Scored), windows.Select(window => window.Scored));
            // The harness lists as context what precedes the scored tokens, one token of which is fed again as the first input.
            Assert.Equal(expected.Select(window => window.Context), windows.Select(window => window.Context));
            checkedCases++;
        }
        Assert.Equal(4, checkedCases);
    }

    private static double[] Doubles(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetInt32())];
}
