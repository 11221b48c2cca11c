using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;
using Dolmen.Training.Optimizers;
using Dolmen.Training;
using Dolmen.Training.PostTraining;
using static TorchSharp.torch;

namespace Dolmen.Tests.Training;

/// <summary>Fine-tuning on conversations that share a row: the first step's loss is that of the conversations read one by one.</summary>
public sealed class PackedConversations : IDisposable
{
    private const string Engine =
        """{"messages": [{"role": "user", "content": "Name salt quiet engine morning engine"}, {"role": "assistant", "content": """
        + "\"engine paper window stone seven copper paper stone lamp river morning seven copper ladder window river salt copper stone "
        + "engine copper ladder\"}]}";

    private const string Lamp =
        """{"messages": [{"role": "user", "content": "Name quiet lamp ladder lamp river"}, {"role": "assistant", "content": """ +
        "\"lamp salt salt seven lamp lamp stone stone copper copper lamp lamp quiet morning copper window paper paper copper lamp engine " +
        "copper\"}]}";

    private const string Trim =
        """{"messages":[{"role":"user","content":"What does System.String.Trim() do?"},{"role":"assistant","content":""" +
        "\"Removes all leading and trailing white-space characters from the current string.\"}]}";

    private const int Context = 640;

    private readonly TinyRun _run = new();

    public static TheoryData<string> Names => [.. SmallModels.All.Keys];

    /// <summary>Architectures without a router: its losses are means over a batch and do not add up.</summary>
    public static TheoryData<string> Additive =>
        ["llama", "mistral", "alibi", "gpt2", "mamba", "mamba2", "s4", "s4d", "h3", "hybrid-window"];

    public void Dispose() => _run.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void One_conversation_once_twice_or_three_times_in_a_row_has_one_loss(string name)
    {
        using var model = Model(name, bfloat16: false);
        var once = FirstStep(model, Engine);
        foreach (var copies in new[] { 2, 3 })
        {
            var (loss, norm) = FirstStep(model, [.. Enumerable.Repeat(Engine, copies)]);
            Assert.Equal(once.Loss, loss, 1e-5);
            Assert.Equal(once.Norm, norm, 1e-4 * once.Norm);
        }
    }

    [Fact]
    public void A_whole_fine_tuning_run_on_copies_starts_at_one_loss()
    {
        var folder = Path.Combine(_run.Root, "model");
        using (var model = Model("llama", bfloat16: false))
        {
            var special = _run.Tokenizer.Special;
            HuggingFaceFolder.Save(
                folder,
                model.Config,
                model.Export().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, tensor.Values)),
                new ModelCard("Test model", "Random weights."),
                new SpecialTokenIds(special.Bos, special.Eos, special.Pad, special.End),
                TokenizerFolder.Files.Select(file => Path.Combine(_run.TokenizerDirectory, file))
            );
        }
        double FirstLoss(int copies)
        {
            var context = _run.Context($"sft-{copies}", Training);
            TrainingStages.Sft(Recipe, folder, Lines("chats.jsonl", [.. Enumerable.Repeat(Engine, copies)]), context);
            var metrics = File.ReadLines(Path.Combine(context.OutDirectory, "metrics.jsonl")).First();
            return JsonDocument.Parse(metrics).RootElement.GetProperty("loss").GetDouble();
        }
        var once = FirstLoss(1);
        Assert.InRange(once, 4, 8);
        Assert.Equal(once, FirstLoss(2), 1e-5);
        Assert.Equal(once, FirstLoss(3), 1e-5);
    }

    [Theory, MemberData(nameof(Additive))]
    public void Conversations_that_share_a_row_have_the_mean_loss_of_their_tokens(string name)
    {
        using var model = Model(name, bfloat16: false);
        (double Loss, int Counted)[] alone = [.. new[] { Engine, Lamp, Trim }.Select(line => (FirstStep(model, line).Loss, Targets(line)))];
        var (sum, counted) = (alone.Sum(one => one.Loss * one.Counted), alone.Sum(one => one.Counted));
        foreach (var order in new[] { new[] { Engine, Lamp, Trim }, [Trim, Engine, Lamp], [Lamp, Trim, Engine] })
            Assert.Equal(sum / counted, FirstStep(model, order).Loss, 1e-5);
        var (loss, targets) = alone[2];
        Assert.Equal((sum + loss * targets) / (counted + targets), FirstStep(model, Trim, Engine, Lamp, Trim).Loss, 1e-5);
    }

    [Fact]
    public void Prompts_are_learned_where_the_recipe_says_so()
    {
        using var model = Model("llama", bfloat16: false);
        var answers = FirstStep(model, Recipe, Engine).Loss;
        var everything = FirstStep(model, Recipe with { LearnPrompts = true }, Engine).Loss;
        var tokens = Tokenized(Engine).Tokens;
        var batch = new Batch(1, tokens.Length - 1);
        batch.SetRow(0, tokens, [.. tokens.Select(_ => true)], _run.Tokenizer.Special.Pad);
        Assert.Equal(tokens.Length - 1, batch.Counted);
        using var scope = NewDisposeScope();
        Assert.Equal(Batch.Backward(model, [batch]), everything, 1e-5);
        Assert.NotEqual(answers, everything, 1e-3);
    }

    [Fact]
    public void An_answer_that_is_not_to_be_learned_is_not_learned_with_the_prompts_either()
    {
        const string wrong = "{\"role\":\"user\",\"content\":\"Name salt\"},{\"role\":\"assistant\",\"content\":\"quiet engine\"",
            right = "{\"role\":\"user\",\"content\":\"Name it again\"},{\"role\":\"assistant\",\"content\":\"stone lamp\"}";
        using var model = Model("llama", bfloat16: false);
        var learned = Recipe with { LearnPrompts = true };
        var line = $"{{\"messages\":[{wrong},\"weight\":0}},{right}]}}";
        var mask = Tokenized(line).Tokens.Select(_ => true).ToArray();
        // From behind the first question to the end of its answer.
        var before = Tokenized("{\"messages\":[{\"role\":\"user\",\"content\":\"Name salt\"}]}").Tokens.Length;
        var behind = Tokenized($"{{\"messages\":[{wrong}}}]}}").Tokens.Length;
        mask.AsSpan(before, behind - before).Clear();
        var batch = new Batch(1, mask.Length - 1);
        batch.SetRow(0, Tokenized(line).Tokens, mask, _run.Tokenizer.Special.Pad);
        using var scope = NewDisposeScope();
        var expected = Batch.Backward(model, [batch]);
        Assert.Equal(expected, FirstStep(model, learned, line).Loss, 1e-5);
        Assert.NotEqual(expected, FirstStep(model, learned, $"{{\"messages\":[{wrong}}},{right}]}}").Loss, 1e-4);
    }

    [Fact]
    public void Copies_have_one_loss_in_bfloat16_up_to_its_roundings()
    {
        foreach (var name in new[] { "llama", "mamba", "jamba" })
        {
            using var model = Model(name, bfloat16: true);
            Assert.Equal(FirstStep(model, Engine).Loss, FirstStep(model, Engine, Engine, Engine).Loss, 2e-3);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void A_pairs_log_probabilities_do_not_depend_on_the_pairs_beside_it(string name)
    {
        const string Short = """{"prompt":"Name salt","chosen":"salt","rejected":"stone"}""";
        const string Long =
            """{"prompt":"Name quiet lamp ladder","chosen":"lamp salt salt seven lamp lamp stone stone copper copper",""" +
            "\"rejected\":\"lamp lamp quiet morning copper window paper paper copper lamp engine copper\"}";
        using var model = Model(name, bfloat16: false);
        var (a, b) = (FirstLogProbs(model, Short), FirstLogProbs(model, Long));
        foreach (var both in new[] { FirstLogProbs(model, Short, Long), FirstLogProbs(model, Long, Short) })
        {
            Assert.Equal((a.Chosen + b.Chosen) / 2, both.Chosen, 1e-5 * Math.Abs(both.Chosen));
            Assert.Equal((a.Rejected + b.Rejected) / 2, both.Rejected, 1e-5 * Math.Abs(both.Rejected));
        }
    }

    private static SftRecipe Recipe => new(new AdamWRecipe(1e-12), new ScheduleRecipe(), BatchTokens: Context);

    private static TrainingRecipe Training => TinyRun.Recipe with
    {
        ContextLength = Context, MicroBatchTokens = Context, Precision = Precision.Float32, CheckpointMinutes = 100,
    };

    private (double Loss, double Norm) FirstStep(LanguageDecoder model, params string[] conversations) =>
        FirstStep(model, Recipe, conversations);

    private (double Loss, double Norm) FirstStep(LanguageDecoder model, SftRecipe recipe, params string[] conversations)
    {
        using var task = new SftTask(Lines("chats.jsonl", conversations), _run.Tokenizer, recipe, Training, seed: 1);
        using var scope = NewDisposeScope();
        return (task.Accumulate(model, 0).Loss, model.Parameters.GradientNorm());
    }

    private (double Chosen, double Rejected) FirstLogProbs(LanguageDecoder model, params string[] pairs)
    {
        var recipe = new DpoRecipe(new AdamWRecipe(1e-12), new ScheduleRecipe(), BatchPairs: pairs.Length);
        using var task = new DpoTask(Lines("pairs.jsonl", pairs), _run.Tokenizer, recipe, Training, seed: 1);
        using var scope = NewDisposeScope();
        task.Prepare(model, new Progress<StageProgress>(), CancellationToken.None);
        var metrics = task.Accumulate(model, 0).Metrics.ToDictionary(metric => metric.Name, metric => metric.Value, StringComparer.Ordinal);
        return (metrics["logps/chosen"], metrics["logps/rejected"]);
    }

    private string Lines(string name, string[] lines)
    {
        var file = Path.Combine(_run.Root, name);
        File.WriteAllLines(file, lines);
        return file;
    }

    private int Targets(string line) => Tokenized(line).LossMask.Count(counts => counts);

    private TokenizedConversation Tokenized(string line)
    {
        var messages = JsonDocument.Parse(line).RootElement.GetProperty("messages").EnumerateArray()
            .Select(message => new ChatMessage(message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!));
        var tokenized = ChatFormat.Tokenize(_run.Tokenizer, [.. messages]);
        Assert.True(tokenized.Tokens.Length * 4 <= Context, "four conversations must fit a row");
        return tokenized;
    }

    /// <summary>The named small architecture with random weights, for the run's tokenizer.</summary>
    private LanguageDecoder Model(string name, bool bfloat16)
    {
        var vocabulary = _run.Tokenizer.VocabSize;
        DecoderConfig config = SmallModels.All[name] switch
        {
            TransformerConfig small => small with { VocabSize = vocabulary, ContextLength = Context },
            DolmenConfig small => small with { VocabSize = vocabulary, ContextLength = Context },
            Gpt2Config small => small with { VocabSize = vocabulary, ContextLength = Context },
            MambaConfig small => small with { VocabSize = vocabulary, ContextLength = Context },
            Mamba2Config small => small with { VocabSize = vocabulary, ContextLength = Context },
            JambaConfig small => small with { VocabSize = vocabulary, ContextLength = Context },
            S4Config small => small with { VocabSize = vocabulary, ContextLength = Context },
            H3Config small => small with { VocabSize = vocabulary, ContextLength = Context },
            HybridConfig small => small with { VocabSize = vocabulary, ContextLength = Context },
            var other => throw new InvalidOperationException($"{other.GetType().Name} has no sizes here."),
        };
        var model = new LanguageDecoder(config, Compute.Host(bfloat16));
        model.Parameters.Initialize(3);
        return model;
    }
}
