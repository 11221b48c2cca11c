using System.CommandLine;
using Dolmen.Inference;

namespace Dolmen.Cli.Commands;

/// <summary>The options of drawing tokens, which generate and chat share.</summary>
internal sealed class SamplingFlags
{
    private readonly Option<double> _temperature;
    private readonly Option<int> _topK = new("--top-k") { Description = "Draw from this many of the likeliest tokens; 0 for all.",
        HelpName = "K" };
    private readonly Option<double> _topP = new("--top-p")
    {
        Description = "Draw from the likeliest tokens that hold this share of the probability.", HelpName = "P",
            DefaultValueFactory = _ => 1,
    };
    private readonly Option<double> _minP = new("--min-p") { Description = "Draw from tokens at least this share as likely as the " +
        "likeliest.", HelpName = "P" };
    private readonly Option<int> _maxTokens = new("--max-tokens") { Description = "End after this many tokens.", HelpName = "N",
        DefaultValueFactory = _ => 256 };
    private readonly Option<string[]> _stop = new("--stop") { Description = "End at this text. May be repeated.", HelpName = "TEXT",
        AllowMultipleArgumentsPerToken = false };
    private readonly Option<long?> _seed = new("--seed") { Description = "Seed of the draws; the same seed repeats them. 0 when left out.",
        HelpName = "N" };

    public SamplingFlags(double temperature)
    {
        _temperature = new("--temperature") { Description = "How freely to draw; 0 takes the likeliest token.", HelpName = "T",
            DefaultValueFactory = _ => temperature };
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_temperature, _topK, _topP, _minP, _maxTokens, _stop, _seed]) command.Add(option);
    }

    public GenerationOptions Read(ParseResult parsed)
    {
        var sampling = new SamplingOptions(
            parsed.GetValue(_temperature), parsed.GetValue(_topK), parsed.GetValue(_topP), parsed.GetValue(_minP),
                unchecked((ulong)(parsed.GetValue(_seed) ?? 0)));
        var options = new GenerationOptions(sampling, parsed.GetValue(_maxTokens), parsed.GetValue(_stop));
        options.Validate();
        return options;
    }
}
