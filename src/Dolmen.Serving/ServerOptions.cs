using Dolmen.Artifacts;

namespace Dolmen.Serving;

/// <param name="MaxBodyBytes">A longer request is refused unread.</param>
/// <param name="AllowedHosts">Names that a request's Host header may have besides loopback names and the address it came to; <c>*</c> for
/// any.</param>
/// <param name="CorsOrigins">Web sites that may call the server from a browser, such as <c>https://chat.example</c>; <c>*</c> for
/// any.</param>
/// <param name="MaxWaiting">Requests that may wait for their turn; more are told to come back.</param>
/// <param name="DrainSeconds">How long running requests may go on after the server was told to stop.</param>
/// <param name="MaxSequences">Texts that are generated at once.</param>
/// <param name="StateBytes">Memory for what a model remembers of texts, what is kept for requests that begin alike included.</param>
/// <param name="ModelBytes">Memory for the weights of all models that are loaded at once.</param>
/// <param name="IdleSeconds">A model that no request has used for so long is dropped; 0 keeps it.</param>
/// <param name="Keys">Requests must bring one of them; none are asked for where there is none.</param>
/// <param name="Certificate">Speaks TLS with it; stays the caller's.</param>
/// <param name="MaxSeconds">A request that takes longer ends with an error; 0 lets it.</param>
/// <param name="MaxConnections">Connections that are open at once; more are closed.</param>
/// <param name="Collector">Gets measurements and traces by OTLP over HTTP.</param>
/// <param name="Limits">What one request may ask for.</param>
public sealed record ServerOptions(
    int MaxBodyBytes = 1 << 20,
    int MaxWaiting = 64,
    double DrainSeconds = 30,
    IReadOnlyList<string>? AllowedHosts = null,
    IReadOnlyList<string>? CorsOrigins = null,
    int MaxSequences = 64,
    long StateBytes = 1L << 30,
    long ModelBytes = long.MaxValue,
    double IdleSeconds = 0,
    IReadOnlyList<string>? Keys = null,
    ServerCertificate? Certificate = null,
    double MaxSeconds = 0,
    int MaxConnections = 1024,
    RequestLimits? Limits = null,
    Uri? Collector = null)
{
    /// <summary>How long a body may come, or a reader may read, more slowly than a kilobyte a second.</summary>
    internal double GraceSeconds { get; init; } = 5;

    private const int MostSeconds = 30 * 24 * 3600;

    /// <exception cref="UserErrorException">One of them is out of its range, or not of its form.</exception>
    public void Validate()
    {
        if (MaxBodyBytes < 1)
            throw new UserErrorException($"--max-body is {MaxBodyBytes}: it must be at least 1. The default is {1 << 20}.");
        if (MaxWaiting < 1)
            throw new UserErrorException($"--max-waiting is {MaxWaiting}: it must be at least 1.");
        if (MaxSequences < 1)
            throw new UserErrorException($"--max-sequences is {MaxSequences}: it must be at least 1, one text at a time.");
        if (StateBytes < 1 << 20)
            throw new UserErrorException($"--state-memory is {StateBytes >> 20}: it must be at least 1, in megabytes.");
        if (ModelBytes < 1 << 20)
            throw new UserErrorException($"--model-memory is {ModelBytes >> 20}: it must be at least 1, in megabytes.");
        if (!(IdleSeconds is >= 0 and <= MostSeconds))
            throw new UserErrorException($"--idle is {IdleSeconds}: it must be 0 (never) or seconds up to {MostSeconds}.");
        if (!(MaxSeconds is >= 0 and <= MostSeconds))
            throw new UserErrorException($"--max-seconds is {MaxSeconds}: it must be 0 (no limit) or seconds up to {MostSeconds}.");
        if (MaxConnections < 1)
            throw new UserErrorException($"--max-connections is {MaxConnections}: it must be at least 1.");
        if (Limits is { PromptTokens: < 1 } prompts)
            throw new UserErrorException($"--max-prompt is {prompts.PromptTokens}: it must be at least 1 token.");
        if (Limits is { Texts: < 1 } texts)
            throw new UserErrorException($"--max-choices is {texts.Texts}: it must be at least 1.");
        Telemetry.Validate(Collector);
        foreach (var key in Keys ?? []) KeyGuard.Validate(key);
        foreach (var host in AllowedHosts ?? [])
        {
            if (host != "*" && Uri.CheckHostName(host.TrimStart('[').TrimEnd(']')) == UriHostNameType.Unknown)
                throw new UserErrorException(
                    $"--allowed-hosts is '{host}': it must be a name or an address without a port, such as chat.example, or *."
                );
        }
        foreach (var origin in CorsOrigins ?? [])
        {
            if (origin is "*" or "null" || (Uri.TryCreate(origin, UriKind.Absolute, out var site) && site.PathAndQuery is "/" or ""))
                continue;
            throw new UserErrorException(
                $"--cors is '{origin}': it must be a web site's scheme, name and port, such as https://chat.example, or *."
            );
        }
    }
}

/// <param name="PromptTokens">Of each prompt; the model's context is a limit besides.</param>
/// <param name="Texts">Prompts times answers to each.</param>
public sealed record RequestLimits(int PromptTokens = int.MaxValue, int Texts = 1024)
{
    internal void Check(IReadOnlyList<Prompt> prompts, int choices)
    {
        if ((long)prompts.Count * choices > Texts)
        {
            throw ApiErrorException.Invalid($"The request asks for {(long)prompts.Count * choices} texts, and this server writes at most " +
                $"{Texts} for one: send several requests.", choices > 1 ? "n" : "prompt");
        }
        CheckLengths(prompts, "prompt");
    }

    /// <param name="field">Where the texts stand.</param>
    internal void CheckLengths(IReadOnlyList<Prompt> prompts, string field)
    {
        foreach (var prompt in prompts.Where(prompt => prompt.Tokens.Length > PromptTokens))
        {
            throw ApiErrorException.Invalid($"The prompt has {prompt.Tokens.Length} tokens, and this server reads at most {PromptTokens} " +
                "(--max-prompt): shorten it.", field, "context_length_exceeded");
        }
    }
}
