using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Modeling;
using Dolmen.Pipeline.Recipes;
using Dolmen.Training;

namespace Dolmen.Pipeline.Stages;

/// <summary>What the stages of one run share: where it is, what was asked for, and what the stages so far have found.</summary>
/// <param name="directory">Of the run.</param>
/// <param name="inputsSha256">Of the documents it is made of.</param>
/// <param name="threads">All cores when null.</param>
/// <param name="notice">Called with what a person should know at once.</param>
internal sealed class PipelineContext(
    string directory, PipelineRecipe recipe, string inputsSha256, int? threads,
    IProgress<StageProgress> progress, Action<string> notice, CancellationToken stop)
{
    private readonly List<string> _notices = [];
    private bool _toldArithmetic;

    public string Directory { get; } = directory;

    /// <summary>Minutes become tokens before the first training stage.</summary>
    public PipelineRecipe Recipe { get; set; } = recipe;

    public string InputsSha256 { get; } = inputsSha256;

    public int? Threads { get; } = threads;

    public IProgress<StageProgress> Progress { get; } = progress;

    public Action<string> Notice { get; } = notice;

    public CancellationToken Stop { get; } = stop;

    public MachineSnapshot Machine { get; } = MachineSnapshot.Take();

    public string? Commit { get; } = GitCommit.Of(AppContext.BaseDirectory);

    /// <summary>Also shown in the report.</summary>
    public IReadOnlyList<string> Notices => _notices;

    /// <summary>What the corpus stage reported; known once it is finished.</summary>
    public CorpusReport? Corpus { get; set; }

    /// <summary>Which arithmetic the training stages compute with, and why; chosen before the first of them.</summary>
    public ComputePath? Arithmetic { get; set; }

    /// <summary>Whether there is anything to align on.</summary>
    public bool Aligns => Corpus is { Conversations: > 0, Preferences: > 0 };

    /// <summary>Stage → what its trainer reported, in order.</summary>
    public Dictionary<string, TrainingOutcome> Training { get; } = [];

    /// <summary>Stage → scores; known once the evaluation is finished.</summary>
    public JsonObject Evaluation { get; set; } = [];

    public string At(params ReadOnlySpan<string> parts) => Path.Combine([Directory, .. parts]);

    public void Note(string text)
    {
        _notices.Add(text);
        Notice(text);
    }

    /// <summary>The same for a stage that begins to train. People are told once, by the first that does.</summary>
    public ComputePath ChosenArithmetic()
    {
        var chosen = Arithmetic ?? throw new InvalidOperationException("The base stage chooses the arithmetic of a run.");
        if (!_toldArithmetic) Notice($"computing with {chosen.Reason}");
        _toldArithmetic = true;
        return chosen;
    }

    /// <summary>Parts of the recipe as JSON.</summary>
    public JsonObject Part(params ReadOnlySpan<string> keys)
    {
        var (tree, part) = (RecipeFile.ToTree(Recipe), new JsonObject());
        foreach (var key in keys) part[key] = tree[key]?.DeepClone();
        return part;
    }

    public ModelConfig Model(int vocabSize) => Recipe.Model.Build(vocabSize, Recipe.Training.ContextLength);

    /// <param name="path">From the run's directory; it is the input's role as well.</param>
    public ManifestInput Input(string path, string stage) =>
        ManifestInput.Of(path, At(path), At(stage), Stop) with { Name = path };

    /// <summary>The result so far: costs are known at the end.</summary>
    public PipelineResult Result() => new(
        Directory,
        At("model"),
        0,
        0,
        Training["base"].Parameters,
        Training.Values.Sum(stage => stage.Tokens),
        0,
        "",
        Recipe.Seed,
        Training,
        Evaluation,
        [],
        Notices,
        Commit,
        Machine
    );
}
