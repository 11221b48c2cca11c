using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

public sealed class Tls : IDisposable
{
    private static readonly DateTimeOffset Today = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private readonly RSA _key = RSA.Create(2048);

    public void Dispose()
    {
        _key.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("encrypted")]
    [InlineData("one file")]
    [InlineData("pfx")]
    public async Task A_client_that_trusts_the_certificate_is_answered(string form)
    {
        using var certificate = Make(Today.AddDays(-1), Today.AddDays(1));
        var (path, key, password) = Write(certificate, form);
        using var loaded = ServerCertificate.Load(path, key, password, new Clock(Today));
        await using var server = await RunningServer.Start(options: new ServerOptions(Certificate: loaded));
        Assert.Equal("https", server.Address.Scheme);
        using var root = X509CertificateLoader.LoadCertificate(certificate.RawData);
        Assert.Equal("""{"status":"ok"}""", await Health(server, root));
        await Assert.ThrowsAsync<HttpRequestException>(() =>
            server.Http.GetStringAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_client_that_trusts_the_root_gets_what_lies_between_from_the_pfx()
    {
        using RSA rootKey = RSA.Create(2048), middleKey = RSA.Create(2048);
        var (from, to) = (Today.AddDays(-1), Today.AddDays(1));
        using var root = Authority("CN=dolmen root", rootKey).CreateSelfSigned(from, to);
        using var middle = Authority("CN=dolmen middle", middleKey).Create(root, from, to, [1]);
        using var signer = middle.CopyWithPrivateKey(middleKey);
        using var signed = Request().Create(signer, from, to, [2]);
        using var own = signed.CopyWithPrivateKey(_key);
        var path = Path.Combine(_folder.Path, "chain.pfx");
        File.WriteAllBytes(path, new X509Certificate2Collection { middle, own }.Export(X509ContentType.Pfx, "secret")!);
        using var loaded = ServerCertificate.Load(path, null, "secret", new Clock(Today));
        Assert.Equal((own.Thumbprint, middle.Thumbprint), (loaded.Certificate.Thumbprint, Assert.Single(loaded.Chain).Thumbprint));
        await using var server = await RunningServer.Start(options: new ServerOptions(Certificate: loaded));
        Assert.Equal("""{"status":"ok"}""", await Health(server, root));

        File.WriteAllBytes(path, new X509Certificate2Collection { middle }.Export(X509ContentType.Pfx, "")!);
        Assert.Contains("chain.pfx' holds no private key", Error(path, null));
    }

    [Theory]
    [InlineData(-20, -10, "ended on 2026-05-22")]
    [InlineData(10, 20, "begins on 2026-06-11")]
    public void A_certificate_out_of_its_time_is_the_user_s_error(int from, int to, string says)
    {
        using var certificate = Make(Today.AddDays(from), Today.AddDays(to));
        var (path, key, _) = Write(certificate, "pem");
        Assert.Contains(says, Error(path, key));
    }

    [Fact]
    public void A_key_of_another_pair_is_the_user_s_error()
    {
        using var certificate = Make(Today.AddDays(-1), Today.AddDays(1));
        var (path, key, _) = Write(certificate, "pem");
        using var other = RSA.Create(2048);
        File.WriteAllText(key!, other.ExportPkcs8PrivateKeyPem());
        Assert.Contains("cannot be used with the key", Error(path, key));
    }

    [Fact]
    public void Missing_damaged_and_locked_files_are_the_user_s_error()
    {
        using var certificate = Make(Today.AddDays(-1), Today.AddDays(1));
        var (path, key, _) = Write(certificate, "pem");
        Assert.Contains("does not exist", Error(path + "x", key));
        Assert.Contains("does not exist", Error(path, key + "x"));
        Assert.Contains("--tls-key", Error(path, null));
        var (pfx, _, _) = Write(certificate, "pfx");
        Assert.Contains("DOLMEN_TLS_PASSWORD", Error(pfx, null));
        Assert.Contains("goes with a PEM", Error(pfx, key));
        File.WriteAllText(path, "no certificate");
        Assert.Contains("cannot be used", Error(path, key));
    }

    private static string Error(string path, string? key) =>
        Assert.Throws<UserErrorException>(() => ServerCertificate.Load(path, key, null, new Clock(Today))).Message;

    private static async Task<string> Health(RunningServer server, X509Certificate2 root)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { root },
            VerificationTime = Today.UtcDateTime, VerificationTimeIgnored = false,
        };
        using var http = new HttpClient(handler);
        return await http.GetStringAsync(new Uri(server.Address, "health"), TestContext.Current.CancellationToken);
    }

    private static CertificateRequest Authority(string name, RSA key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        return request;
    }

    private X509Certificate2 Make(DateTimeOffset from, DateTimeOffset to) => Request().CreateSelfSigned(from, to);

    private CertificateRequest Request()
    {
        var request = new CertificateRequest("CN=dolmen test", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    private (string Path, string? Key, string? Password) Write(X509Certificate2 certificate, string form)
    {
        const string password = "secret";
        var (path, key) = (Path.Combine(_folder.Path, "server.pem"), Path.Combine(_folder.Path, "server.key"));
        File.WriteAllText(path, certificate.ExportCertificatePem());
        switch (form)
        {
            case "encrypted":
                File.WriteAllText(key, _key.ExportEncryptedPkcs8PrivateKeyPem(password,
                    new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
                return (path, key, password);
            case "one file":
                File.AppendAllText(path, "\n" + _key.ExportPkcs8PrivateKeyPem());
                return (path, null, null);
            case "pfx":
                path = Path.ChangeExtension(path, ".pfx");
                File.WriteAllBytes(path, certificate.Export(X509ContentType.Pfx, password));
                return (path, null, password);
            default:
                File.WriteAllText(key, _key.ExportPkcs8PrivateKeyPem());
                return (path, key, null);
        }
    }

    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
