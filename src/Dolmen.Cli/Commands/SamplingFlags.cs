using System.CommandLine;
using Dolmen.Inference;

namespace Dolmen.Cli.Commands;

/// <summary>The options of drawing tokens, which generate and chat share.</summary>
internal sealed class SamplingFlags
{
    private const int UsualTokens = 256;

    private readonly double _usualTemperature;
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
        foreach (Option option in (Option[])[_temperature, _topK, _topP, _minP, _repetition, _maxTokens, _minTokens, _stop, _stopTokens,
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
            RepetitionPenalty = parsed.GetValue(_repetition) ?? defaults.RepetitionPenalty, Suppressed = defaults.Suppressed,
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
        return options;
    }
}
