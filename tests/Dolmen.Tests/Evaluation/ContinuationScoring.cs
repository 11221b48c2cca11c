using CsCheck;
using Dolmen.Evaluation;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Evaluation;

public class ContinuationScoring
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Scores_do_not_depend_on_what_was_scored_before(bool forgets) =>
        Gen.Select(Gen.Int[0, 2].Array[2, 12], Gen.Int[1, 11]).List[1, 12].Sample(sequences =>
        {
            using var model = FakeModel.OfHistory(3, 12, forgets);
            using var scorer = new ContinuationScorer(model);
            foreach (var (tokens, at) in sequences)
            {
                var from = Math.Min(at, tokens.Length - 1);
                var expected = Enumerable.Range(from, tokens.Length - from).Sum(i => model.LogProb(tokens, i));
                Assert.Equal(expected, scorer.Score(tokens, from), 1e-4);
            }
        }, iter: 300);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_shared_prefix_is_computed_once(bool forgets)
    {
        using var model = FakeModel.OfHistory(4, 128, forgets);
        using var scorer = new ContinuationScorer(model);
        int[] shots = [.. Enumerable.Repeat(1, 50)];
        for (var question = 0; question < 10; question++)
        {
            int[] context = [.. shots, question % 3, 2, question % 2, 3];
            for (var choice = 0; choice < 4; choice++) scorer.Score([.. context, choice, 2], context.Length);
        }
        // 50 shot tokens once or twice, then 4 of each question and 2 of each choice; recomputing all would be 2,240.
        Assert.InRange(model.TokensFed, 100, 50 * 2 + 10 * (5 + 4 * 2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Several_at_once_have_the_scores_they_have_alone(bool forgets) =>
        Gen.Select(Gen.Int[0, 2].Array[2, 12], Gen.Int[1, 11]).List[1, 6].Sample(sequences =>
        {
            using var model = FakeModel.OfHistory(3, 12, forgets);
            using var scorer = new ContinuationScorer(model);
            for (var round = 0; round < 2; round++)
            {
                var scores = scorer.Score([.. sequences.Select(entry => (entry.Item1, Math.Min(entry.Item2, entry.Item1.Length - 1)))]);
                foreach (var (i, (tokens, at)) in sequences.Index())
                {
                    var from = Math.Min(at, tokens.Length - 1);
                    Assert.Equal(Enumerable.Range(from, tokens.Length - from).Sum(n => model.LogProb(tokens, n)), scores[i], 1e-4);
                }
            }
        }, iter: 200);

    [Fact]
    public void The_first_token_cannot_be_scored()
    {
        using var model = FakeModel.OfHistory(3, 12);
        using var scorer = new ContinuationScorer(model);
        Assert.Throws<ArgumentOutOfRangeException>(() => scorer.Score([1, 2], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => scorer.Score([1, 2], 2));
    }
}
