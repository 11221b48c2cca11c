using System.CommandLine;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

/// <summary>The options of <c>serve</c> that say how much it takes on.</summary>
internal sealed class ServerLimitOptions
{
    private static readonly ServerOptions Defaults = new();

    private readonly Option<int> _body = Of("--max-body", "Bytes of the longest request that is read.", "BYTES", Defaults.MaxBodyBytes);
    private readonly Option<int> _waiting =
        Of("--max-waiting", "Requests that may wait for their turn; more get status 503.", "N", Defaults.MaxWaiting);
    private readonly Option<int> _sequences = Of("--max-sequences", "Texts that are generated at once.", "N", Defaults.MaxSequences);
    private readonly Option<int> _state =
        Of("--state-memory", "Megabytes for what a model remembers of texts.", "MB", (int)(Defaults.StateBytes >> 20));
    private readonly Option<int> _connections = Of("--max-connections", "Connections that are open at once.", "N", Defaults.MaxConnections);
    private readonly Option<int> _choices =
        Of("--max-choices", "Texts that one request may ask for: its prompts times n.", "N", new RequestLimits().Texts);

    private readonly Option<int?> _prompt = new("--max-prompt")
    {
        Description = "Tokens of the longest prompt that is read; what the model's context holds when left out.", HelpName = "N",
    };

    private readonly Option<double> _seconds = new("--max-seconds")
    {
        Description = "Seconds that a request may take, waiting included; 0 for no limit.", HelpName = "SECONDS",
        DefaultValueFactory = _ => Defaults.MaxSeconds,
    };

    public void AddTo(Command command)
    {
        Option[] options = [_body, _waiting, _sequences, _state, _seconds, _prompt, _choices, _connections];
        foreach (var option in options) command.Add(option);
    }

    public ServerOptions Read(ParseResult parsed) => new(
        parsed.GetValue(_body), parsed.GetValue(_waiting), MaxSequences: parsed.GetValue(_sequences),
        StateBytes: (long)parsed.GetValue(_state) << 20, MaxSeconds: parsed.GetValue(_seconds),
        MaxConnections: parsed.GetValue(_connections),
        Limits: new RequestLimits(parsed.GetValue(_prompt) ?? int.MaxValue, parsed.GetValue(_choices)));

    private static Option<int> Of(string name, string description, string help, int value) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => value };
}
