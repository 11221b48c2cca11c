using Dolmen.Checkpoints;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Checkpoints;

public class ModelCardTests
{
    [Fact]
    public void Cards_claim_only_libraries_that_load_the_model_and_say_licence_beginning_and_use()
    {
        foreach (var config in SmallModels.All.Values)
        {
            var card = new ModelCard("m", "s").Markdown(config, bos: 7);
            var ours = config is S4Config or H3Config or HybridConfig or DolmenConfig
                or TransformerConfig { Positions: not PositionKind.Rotary };
            Assert.Contains(ours ? "library_name: dolmen\n" : "library_name: transformers\n", card, StringComparison.Ordinal);
            Assert.Equal(!ours, card.Contains("AutoModelForCausalLM", StringComparison.Ordinal));
            Assert.Contains("license: 'other'\n", card, StringComparison.Ordinal);
            Assert.Contains("Licence: ", card, StringComparison.Ordinal);
            Assert.Contains("token of id 7 (`bos_token_id`)", card, StringComparison.Ordinal);
            Assert.Contains("./dolmen generate --model .", card, StringComparison.Ordinal);
        }
        Assert.Contains(
            "No token marks the beginning",
            new ModelCard("m", "s").Markdown(SmallModels.All["llama"]),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("llama", "a decoder of 2 layers (2 attention; 2 SwiGLU)")]
    [InlineData("mamba2", "a decoder of 2 layers (2 Mamba-2)")]
    public void Cards_say_what_the_model_is_made_of(string model, string described) =>
        Assert.Contains(
            $"| architecture | {described} |\n",
            new ModelCard("m", "s").Markdown(SmallModels.All[model]),
            StringComparison.Ordinal
        );
}
