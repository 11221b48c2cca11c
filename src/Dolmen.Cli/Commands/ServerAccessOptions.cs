using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

/// <summary>The options of <c>serve</c> that say who may use it, and how it proves who it is. Secrets may come from the environment, where
/// the list of processes does not show them.</summary>
internal sealed class ServerAccessOptions
{
    private const string KeyVariable = "DOLMEN_API_KEY", PasswordVariable = "DOLMEN_TLS_PASSWORD";

    private readonly Option<string[]> _hosts = CommonOptions.Repeated("--allowed-hosts",
        "A name this server is reached by besides localhost and its address; * for any. May be repeated.", "NAME");
    private readonly Option<string[]> _cors = CommonOptions.Repeated("--cors",
        "A web site that may call it from a browser, such as https://chat.example; * for any. May be repeated.", "ORIGIN");
    private readonly Option<string[]> _key = CommonOptions.Repeated("--api-key",
        $"A key that requests must bring. May be repeated. {KeyVariable} in the environment holds one that the list of processes does " +
        "not show.", "KEY");
    private readonly Option<string?> _keyFile = File("--api-key-file", "A file with such keys, one a line.");
    private readonly Option<string?> _certificate = File("--tls-cert",
        $"Speak TLS with this certificate: PEM with --tls-key, or .pfx. {PasswordVariable} in the environment is its password.");
    private readonly Option<string?> _tlsKey = File("--tls-key", "The certificate's private key, PEM.");

    public void AddTo(Command command)
    {
        Option[] options = [_hosts, _cors, _key, _keyFile, _certificate, _tlsKey];
        foreach (var option in options) command.Add(option);
    }

    /// <exception cref="UserErrorException">A file cannot be used.</exception>
    public ServerOptions AddTo(ServerOptions options, ParseResult parsed) => options with
    {
        AllowedHosts = parsed.GetValue(_hosts), CorsOrigins = parsed.GetValue(_cors), Keys = Keys(parsed),
        Certificate = Certificate(parsed),
    };

    private List<string> Keys(ParseResult parsed)
    {
        var keys = new List<string>(parsed.GetValue(_key) ?? []);
        if (Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key) keys.Add(key);
        if (parsed.GetValue(_keyFile) is not { } file) return keys;
        var before = keys.Count;
        keys.AddRange(RegularFile.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0));
        return keys.Count > before ? keys
            : throw new UserErrorException($"--api-key-file '{file}' holds no key: write one on a line of its own.");
    }

    private ServerCertificate? Certificate(ParseResult parsed)
    {
        var (certificate, key) = (parsed.GetValue(_certificate), parsed.GetValue(_tlsKey));
        if (certificate is null)
            return key is null ? null : throw new UserErrorException("--tls-key needs --tls-cert, the certificate that it belongs to.");
        var password = Environment.GetEnvironmentVariable(PasswordVariable);
        return ServerCertificate.Load(certificate, key, string.IsNullOrEmpty(password) ? null : password, TimeProvider.System);
    }

    private static Option<string?> File(string name, string description) => new(name) { Description = description, HelpName = "FILE" };
}
