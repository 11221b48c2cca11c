using Dolmen.Checkpoints;

namespace Dolmen.Tests.Checkpoints;

/// <summary>What a configuration says it costs, against a count: every matrix of the checkpoint that a token meets, and every position that
/// attention visits.</summary>
public class CostFormulas
{
    [Theory]
    [InlineData("llama")]
    [InlineData("qwen3")]
    [InlineData("mistral")]
    [InlineData("mixtral")]
    [InlineData("alibi")]
    [InlineData("dolmen")]
    [InlineData("gpt2")]
    [InlineData("mamba")]
    [InlineData("jamba")]
    [InlineData("hybrid")]
    [InlineData("hybrid-window")]
    public void Forward_operations_are_those_counted(string name)
    {
        const int length = 60;
        var config = SmallModels.All[name];
        var plan = config.Plan();
        var counted = 2.0 * plan.VocabSize * plan.DModel;                                       // the head
        foreach (var tensor in config.Tensors())
        {
            var isMatrix =
                tensor.Shape.Length == 2
                && !tensor.Name.EndsWith("A_log", StringComparison.Ordinal)
                && tensor.Name != plan.Embedding
                && plan.Head.Tensors().All(head => head.Name != tensor.Name)
                && tensor.Name != plan.Positions?.Name
                && !(plan.Continuations ?? []).Any(continuation => continuation.Weight == tensor.Name)
                && plan.Ngrams?.Any(table => table.Weight == tensor.Name) != true;             // looked up, as the embedding is
            // two of four
            if (isMatrix) counted += 2.0 * tensor.Elements * (tensor.Name.Contains("experts.", StringComparison.Ordinal) ? 2.0 / 4 : 1);
            if (tensor.Shape.Length == 3) counted += 2.0 * tensor.Elements;                     // (I, 1, K) depthwise
        }
        foreach (var mixer in plan.Blocks.Select(block => block.Mixer))
        {
            if (mixer is MambaSpec mamba) counted += 8.0 * mamba.DInner * mamba.DState;
            if (mixer is not AttentionSpec attention) continue;
            long visited = 0;
            for (var query = 0; query < length; query++)
                for (var key = 0; key <= query; key++) if (attention.Window is not { } window || query - key < window) visited++;
            counted += 4.0 * attention.Heads * attention.HeadDim * visited / length;
        }
        // The formula takes T/2 for the (T+1)/2 positions of a causal triangle.
        Assert.Equal(counted, config.ForwardFlopsPerToken(length), 0.02 * counted);
        Assert.Equal(3 * config.ForwardFlopsPerToken(length), config.TrainingFlopsPerToken(length));
    }

    [Fact]
    public void A_token_meets_one_row_of_each_n_gram_table_and_is_remembered_as_a_whole_number()
    {
        var config = (DolmenConfig)SmallModels.All["dolmen"];
        var tables = (config.BigramRows + config.TrigramRows) * config.DModel;
        Assert.Equal(config.Portable().Parameters + tables, config.Parameters);
        Assert.Equal(config.Portable().Parameters + 2 * config.DModel, config.ActiveParameters);
        Assert.Equal(config.Portable().StateBytes(10, 2) + 4 * 10, config.StateBytes(10, 2));
    }

    [Fact]
    public void A_token_meets_the_gains_of_one_length_and_is_remembered_with_its_match()
    {
        var config = (DolmenConfig)SmallModels.All["dolmen-matches"];
        var without = config with { MatchTokens = 0 };
        Assert.Equal(without.Parameters + 2 * (config.MatchAhead + 1) * config.MatchTokens * config.DModel, config.Parameters);
        Assert.Equal(without.ActiveParameters + 2 * (config.MatchAhead + 1) * config.DModel, config.ActiveParameters);
        Assert.Equal(without.StateBytes(10, 2) + 8 * 10, config.StateBytes(10, 2));
    }

    [Fact]
    public void A_token_meets_two_of_four_experts()
    {
        var config = SmallModels.All["mixtral"];
        var experts = config
            .Tensors()
            .Where(tensor => tensor.Name.Contains("experts.", StringComparison.Ordinal))
            .Sum(tensor => tensor.Elements);
        Assert.Equal(config.Parameters - experts / 2, config.ActiveParameters);
    }
}
