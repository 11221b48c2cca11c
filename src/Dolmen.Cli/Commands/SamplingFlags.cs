using System.CommandLine;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

/// <summary>The options of drawing tokens, which generate and chat share.</summary>
internal sealed class SamplingFlags
{
    private const int UsualTokens = 256;

    private readonly double _usualTemperature;
    private readonly FormFlags _form = new();
    private readonly Option<double?> _temperature;
    private readonly Option<int?> _topK = new("--top-k") { Description = "Draw from this many of the likeliest tokens; 0 for all.",
        HelpName = "K" };
    private readonly Option<double?> _topP = new("--top-p")
    {
        Description = "Draw from the likeliest tokens that hold this share of the probability.", HelpName = "P",
    };
    private readonly Option<double?> _minP = new("--min-p")
    {
        Description = "Draw from tokens at least this share as likely as the " + "likeliest.",
        HelpName = "P",
    };
    private readonly Option<double?> _typicalP = new("--typical-p")
    {
        Description = "Draw from the tokens whose surprise is nearest to the expected one, up to this share of the probability.",
        HelpName = "P",
    };
    private readonly Option<double?> _dry = new("--dry-multiplier")
    {
        Description = "Make tokens less likely that would repeat a longer piece of the text (DRY); 0 does not. Try 0.8.",
        HelpName = "M",
    };
    private readonly Option<double?> _presence = new("--presence-penalty")
    {
        Description = "Take this off the logit of each token that came before in the answer.", HelpName = "P",
    };
    private readonly Option<double?> _frequency = new("--frequency-penalty")
    {
        Description = "Take this off the logit of a token for each time that it came in the answer.", HelpName = "P",
    };
    private readonly Option<double?> _repetition = new("--repetition-penalty")
    {
        Description = "Make tokens that came before less likely; " + "1 changes nothing.",
        HelpName = "P",
    };
    private readonly Option<int?> _maxTokens = new("--max-tokens")
    {
        Description = "End after this many tokens; the model's number, or 256, " + "when left out.",
        HelpName = "N",
    };
    private readonly Option<int?> _minTokens = new("--min-tokens") { Description = "End not before this many tokens.", HelpName = "N" };
    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "End at this text. May be repeated.",
        HelpName = "TEXT",
        AllowMultipleArgumentsPerToken = false,
    };
    private readonly Option<int[]> _stopTokens = new("--stop-token")
    {
        Description = "End at this token id too. May be repeated.",
        HelpName = "ID",
        AllowMultipleArgumentsPerToken = false,
    };
    private readonly Option<bool> _ignoreEnds = new("--ignore-eos") { Description = "Write on past the model's own end tokens." };
    private readonly Option<long?> _seed = new("--seed") { Description = "Seed of the draws; the same seed repeats them. 0 when left out.",
        HelpName = "N" };

    public SamplingFlags(double temperature)
    {
        _usualTemperature = temperature;
        _temperature = new("--temperature") { Description = "How freely to draw; 0 takes the likeliest token. What the model's " +
            $"generation_config.json says, or {temperature}, when left out.", HelpName = "T" };
    }

    public void AddTo(Command command)
    {
        _form.AddTo(command);
        foreach (Option option in (Option[])[_temperature, _topK, _topP, _minP, _typicalP, _repetition, _presence, _frequency, _dry,
            _maxTokens, _minTokens, _stop, _stopTokens,
            _ignoreEnds, _seed]) command.Add(option);
    }

    /// <param name="model">A model's folder, whose own settings hold where an option is left out.</param>
    public GenerationOptions Read(ParseResult parsed, string model)
    {
        var defaults = SamplingDefaults.Of(ModelFolder.Settings(model), _usualTemperature);
        var sampling = new SamplingOptions(
            parsed.GetValue(_temperature) ?? defaults.Temperature, parsed.GetValue(_topK) ?? defaults.TopK,
            parsed.GetValue(_topP) ?? defaults.TopP, parsed.GetValue(_minP) ?? defaults.MinP,
            unchecked((ulong)(parsed.GetValue(_seed) ?? 0)))
        {
            TypicalP = parsed.GetValue(_typicalP) ?? defaults.TypicalP,
            RepetitionPenalty = parsed.GetValue(_repetition) ?? defaults.RepetitionPenalty,
            PresencePenalty = parsed.GetValue(_presence) ?? 0, FrequencyPenalty = parsed.GetValue(_frequency) ?? 0,
            Dry = parsed.GetValue(_dry) is { } multiplier and not 0 ? new DryOptions(multiplier) : null, Suppressed = defaults.Suppressed,
        };
        var tokens = parsed.GetValue(_maxTokens) ?? defaults.MaxTokens ?? UsualTokens;
        var ignoreEnds = parsed.GetValue(_ignoreEnds);
        var options = new GenerationOptions(sampling, tokens, [.. parsed.GetValue(_stop) ?? [], .. ignoreEnds ? [] : defaults.Stops])
        {
            MinTokens = parsed.GetValue(_minTokens) ?? Math.Min(defaults.MinTokens, Math.Max(0, tokens)),
            StopTokens = parsed.GetValue(_stopTokens) ?? [],
            IgnoreEnds = ignoreEnds,
        };
        options.Validate();
        _form.Check(parsed);
        return options;
    }

    /// <summary>Adds what needs the tokenizer: the form that the text is held to, and where repeated pieces end.</summary>
    public GenerationOptions Complete(GenerationOptions options, ParseResult parsed, Tokenizer tokenizer) => options with
    {
        Constraint = _form.Read(parsed, tokenizer),
        Sampling = options.Sampling is { Dry: { } dry } sampling
            ? sampling with { Dry = dry with { Breakers = DryOptions.BreakersOf(tokenizer, DryOptions.DefaultBreakers) } }
                : options.Sampling,
    };
}
