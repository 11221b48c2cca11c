using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Pipeline.Recipes;

/// <summary>A model's architecture and size: one dial (<paramref name="Depth"/>), or at least width and layers. Vocabulary and context
/// length come from the tokenizer and from <c>training.contextLength</c>. What an architecture does not have must not be said.</summary>
/// <param name="Pattern">Layers of a hybrid, for example <c>3*(Mf Me) Af</c>.</param>
/// <param name="Expand">Inner width of state-space layers, in model widths.</param>
/// <param name="StateHeadDim">Head width of Mamba-2 layers.</param>
/// <param name="LongState">State of S4 and H3 layers; <paramref name="ShiftState"/> of H3's shift.</param>
/// <param name="Start">Of S4's matrices: HiPPO's LegS or LegT make it S4, the diagonal ones S4D.</param>
/// <param name="BigramRows">Rows of the table of the last two tokens; <paramref name="TrigramRows"/> of that of the last three.</param>
/// <param name="MatchTokens">Of the longest match whose continuation is looked up in the text; <paramref name="MatchAhead"/>
/// tokens of it; <paramref name="MatchWindow"/> last tokens of which the longest match is looked up as well.</param>
/// <param name="Pair">What an encoder–decoder has besides.</param>
public sealed partial record ModelRecipe(
    string Architecture = ModelRecipe.Transformer,
    int? Depth = null,
    int? DModel = null,
    int? Layers = null,
    int? Heads = null,
    int? KvHeads = null,
    int? HeadDim = null,
    int? DFeedForward = null,
    double RopeTheta = 10000,
    double NormEps = 1e-5,
    bool TieEmbeddings = true,
    int? Window = null,
    PositionKind? Positions = null,
    bool QkNorm = false,
    MixtureConfig? Experts = null,
    string? Pattern = null,
    int? DState = null,
    int? DConv = null,
    int? Expand = null,
    int? DtRank = null,
    int? StateHeadDim = null,
    int? AttentionPeriod = null,
    int? AttentionOffset = null,
    PairRecipe? Pair = null,
    int? LongState = null,
    int? ShiftState = null,
    int? H3HeadDim = null,
    StateSpaceStart? Start = null,
    Discretization? Discretization = null,
    int? BigramRows = null,
    int? TrigramRows = null,
    int? MatchTokens = null,
    int? MatchAhead = null,
    int? MatchWindow = null
)
{
    /// <summary>The architecture that no other software has, see <see cref="DolmenConfig"/>.</summary>
    internal const string Own = "dolmen";

    private const string Transformer = "transformer";
    private const int MostDepth = 128;

    private static readonly string[] CommonKeys = [nameof(Architecture), nameof(DModel), nameof(NormEps), nameof(TieEmbeddings)];
    private static readonly string[] Attention = [nameof(Heads), nameof(KvHeads), nameof(HeadDim)];
    private static readonly string[] States = [nameof(DState), nameof(DConv), nameof(Expand)];

    /// <summary>The registration list: an architecture, the keys it has besides those everyone has, and how it is built.</summary>
    private static readonly Dictionary<string, (string[] Keys, Func<ModelRecipe, int, int, ModelConfig> Build)> Architectures = new(
        StringComparer.Ordinal
    )
    {
        [Transformer] = (
            [
                .. Attention,
                nameof(Depth),
                nameof(Layers),
                nameof(DFeedForward),
                nameof(RopeTheta),
                nameof(Window),
                nameof(Positions),
                nameof(QkNorm),
                nameof(Experts),
            ],
            BuildTransformer
        ),
        [Own] = (
            [
                .. Attention,
                nameof(Depth),
                nameof(Layers),
                nameof(DFeedForward),
                nameof(RopeTheta),
                nameof(QkNorm),
                nameof(BigramRows),
                nameof(TrigramRows),
                nameof(MatchTokens),
                nameof(MatchAhead),
                nameof(MatchWindow),
            ],
            BuildDolmen
        ),
        ["gpt2"] = ([nameof(Depth), nameof(Layers), nameof(Heads), nameof(DFeedForward)], BuildGpt2),
        ["mamba"] = ([.. States, nameof(Depth), nameof(Layers), nameof(DtRank)], BuildMamba),
        ["mamba2"] = ([.. States, nameof(Depth), nameof(Layers), nameof(StateHeadDim)], BuildMamba2),
        ["jamba"] = (
            [
                .. States,
                nameof(Layers),
                nameof(Heads),
                nameof(KvHeads),
                nameof(DFeedForward),
                nameof(DtRank),
                nameof(Experts),
                nameof(AttentionPeriod),
                nameof(AttentionOffset),
            ],
            BuildJamba
        ),
        ["hybrid"] = (
            [
                .. Attention,
                .. States,
                nameof(Pattern),
                nameof(DFeedForward),
                nameof(DtRank),
                nameof(StateHeadDim),
                nameof(RopeTheta),
                nameof(Window),
                nameof(Positions),
                nameof(Experts),
                nameof(LongState),
                nameof(H3HeadDim),
            ],
            BuildHybrid
        ),
        ["s4"] = ([nameof(Layers), nameof(DFeedForward), nameof(LongState), nameof(Start), nameof(Discretization)], BuildS4),
        ["h3"] = ([nameof(Layers), nameof(DFeedForward), nameof(LongState), nameof(ShiftState), nameof(H3HeadDim)], BuildH3),
        ["seq2seq"] = (
            [nameof(Layers), nameof(Pair)],
            (m, vocabSize, contextLength) => (m.Pair ?? new()).Seq2Seq(m, vocabSize, contextLength)
        ),
        ["encoder-decoder"] = (
            [nameof(Layers), nameof(Heads), nameof(DFeedForward), nameof(RopeTheta), nameof(Pair)],
            (m, vocabSize, contextLength) => (m.Pair ?? new()).EncoderDecoder(m, vocabSize, contextLength)
        ),
    };

    private static readonly ModelRecipe Empty = new();

    public IReadOnlyList<string> Problems(int vocabSize, int contextLength)
    {
        if (!Architectures.TryGetValue(Architecture, out var known))
        {
            var near = NearestName.Of(Architecture, Architectures.Keys) is { } name ? $" Did you mean '{name}'?" : "";
            return [$"model.architecture is '{Architecture}': it must be one of {string.Join(", ", Architectures.Keys)}.{near}"];
        }
        var foreign = GivenKeys().Except(CommonKeys).Except(known.Keys).ToList();
        if (foreign.Count > 0)
        {
            return
            [
                .. foreign.Select(key =>
                    $"model.{JsonNamingPolicy.CamelCase.ConvertName(key)} does not belong to architecture '{Architecture}', which has "
                    + $"{string.Join(", ", known.Keys.Select(JsonNamingPolicy.CamelCase.ConvertName))}. Take it out."
                ),
            ];
        }
        var sized =
            DModel is not null
            || Layers is not null
            || Heads is not null
            || KvHeads is not null
            || HeadDim is not null
            || DFeedForward is not null;
        if (Depth is { } depth)
        {
            if (sized)
                return
                [
                    "model has depth and explicit sizes: depth decides all sizes. Leave out depth, or leave out dModel, layers, heads and "
                        + "their like.",
                ];
            if (depth is < 1 or > MostDepth)
                return [$"model.depth is {depth}: it must lie between 1 and {MostDepth}. 4 gives about 1.3 million parameters."];
        }
        else if (
            DModel is null
            || (known.Keys.Contains(nameof(Layers)) && Layers is null)
            || (known.Keys.Contains(nameof(Heads)) && Heads is null)
            || (known.Keys.Contains(nameof(Pattern)) && Pattern is null)
        )
        {
            string[] needed = [nameof(DModel), .. new[] { nameof(Layers), nameof(Heads), nameof(Pattern) }.Where(known.Keys.Contains)];
            var dial = known.Keys.Contains(nameof(Depth)) ? "depth ({\"depth\": 4}), or " : "";
            string[] keys = [.. needed.Select(JsonNamingPolicy.CamelCase.ConvertName)];
            return [$"the model has no size: give it {dial}{string.Join(", ", keys.SkipLast(1))} and {keys[^1]}."];
        }
        else if (Heads is <= 0 || DModel is <= 0)
        {
            return [$"model.heads is {Heads} and dModel is {DModel}: both must be at least 1."];
        }
        return Build(vocabSize, Math.Max(1, contextLength)).Problems();
    }

    /// <summary>Llama's plan in place of Dolmen's own; a Transformer stays as it is.</summary>
    /// <exception cref="UserErrorException">The model is of another architecture, which cannot be made portable.</exception>
    public static void MakePortable(JsonObject model)
    {
        const string key = "architecture";
        var architecture = model[key]?.ToString() ?? Transformer;
        if (architecture == Transformer) return;
        if (architecture != Own)
        {
            throw new UserErrorException(
                $"--plan llama: model.architecture is '{architecture}', and only '{Own}' has a portable plan. Leave --plan out, or set "
                    + $"model.architecture to '{Transformer}'."
            );
        }
        model[key] = Transformer;
        string[] ours = [nameof(BigramRows), nameof(TrigramRows), nameof(MatchTokens), nameof(MatchAhead), nameof(MatchWindow)];
        foreach (var own in ours)
            model.Remove(JsonNamingPolicy.CamelCase.ConvertName(own));
    }

    public ModelConfig Build(int vocabSize, int contextLength) => Architectures[Architecture].Build(this, vocabSize, contextLength);

    /// <summary>Names of the keys that the recipe sets.</summary>
    private IEnumerable<string> GivenKeys() =>
        typeof(ModelRecipe)
            .GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => !Equals(property.GetValue(this), property.GetValue(Empty)))
            .Select(property => property.Name);
}
