using Dolmen.Data.Privacy;

namespace Dolmen.Tests.Data.Privacy;

public class AddressesAndVersions
{
    [Theory]
    [InlineData("Chrome/139.0.0.0 Safari/537.36")]
    [InlineData("version 12.1.105.8")]
    [InlineData("v1.2.3.4")]
    [InlineData("v. 1.2.3.4")]
    [InlineData("section 4.3.2.1 of the book")]
    [InlineData("OpenSSL 3.0.13.1.")]
    [InlineData("release 5.6.7.8")]
    [InlineData("build 5.6.7.8")]
    [InlineData("Firefox 12.0.1.5")]
    [InlineData("nginx/1.2.3.4")]
    [InlineData("(curl/7.1.2.3)")]
    [InlineData("rv:1.9.2.13) Gecko")]
    [InlineData("\"version\": \"1.2.3.4\"")]
    [InlineData("AssemblyVersion(\"1.2.3.4\")")]
    [InlineData("<Version>1.2.3.4</Version>")]
    [InlineData("file_version=1.2.3.4")]
    [InlineData("pip install pkg==1.2.3.4")]
    [InlineData("pkg>=1.2.3.4")]
    [InlineData("^1.2.3.4")]
    [InlineData("libfoo-1.2.3.4.tar.gz")]
    [InlineData("1.2.3.4-beta")]
    [InlineData("versions 1.2.3.4 to 1.2.3.9")]
    [InlineData("versions 1.2.3.4, 1.2.3.5 and 1.2.4.1")]
    [InlineData("upgraded to 5.6.7.8")]
    [InlineData("the version is 5.6.7.8")]
    [InlineData("OID 2.5.4.3")]
    [InlineData("OID.2.5.4.3")]
    [InlineData("1.3.6.1")]
    [InlineData("1.3.6.1.4.1.311")]
    [InlineData("Kapitel 4.3.2.1")]
    [InlineData("chapitre 4.3.2.1")]
    [InlineData("capítulo 4.3.2.1")]
    [InlineData("раздел 4.3.2.1")]
    [InlineData("версия 12.1.105.8")]
    [InlineData("版本 12.1.105.8")]
    [InlineData("バージョン 12.1.105.8")]
    [InlineData("버전 12.1.105.8")]
    [InlineData("4.3.2 Methods\n4.3.2.1 Results of it")]
    [InlineData("5.6.7.8 release")]
    [InlineData("dated 02.03.04.05")]
    public void Versions_and_sections_stay(string text) => Assert.Equal(text, PersonalData.Mask(text).Text);

    [Theory]
    [InlineData("from 8.8.8.8")]
    [InlineData("server 8.8.4.4:53")]
    [InlineData("http://8.8.8.8/x")]
    [InlineData("https://host/a/8.8.8.8")]
    [InlineData("ssh root@8.8.8.8")]
    [InlineData("[8.8.8.8]")]
    [InlineData("(8.8.8.8)")]
    [InlineData("IP: 8.8.8.8")]
    [InlineData("client=8.8.8.8")]
    [InlineData("8.8.8.8 - - [10/Oct/2000:13:55:36]")]
    [InlineData("version 2 of the server at 8.8.8.8")]
    [InlineData("the build host 8.8.8.8")]
    [InlineData("driver 8.8.4.4:53")]
    [InlineData("route 8.8.8.0/24")]
    [InlineData("Cloudflare 1.1.1.1")]
    [InlineData("observer 8.8.8.8")]
    [InlineData("Failed password for admin from 93.184.216.34 port 22")]
    [InlineData("X-Forwarded-For: 8.8.8.8, 8.8.4.4")]
    [InlineData("ping 8.8.8.8.")]
    [InlineData("ip-8.8.8.8")]
    public void Addresses_are_masked(string text)
    {
        var (masked, counts) = PersonalData.Mask(text);
        Assert.True(counts.IpAddresses >= 1, masked);
        Assert.DoesNotContain(
            "8.8.",
            masked.Replace("188.8.", "", StringComparison.Ordinal).Replace("8.8.131", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("user@2x.png")]
    [InlineData("icon@1.5x.webp")]
    [InlineData("git@github.com:a/b.git")]
    [InlineData("git@gitlab.example.org/a/b")]
    [InlineData("@scope/pkg")]
    [InlineData("@types/node@18.0.1")]
    [InlineData("@media screen")]
    [InlineData("@Override public")]
    [InlineData("foo@bar")]
    [InlineData("pkg@1.2.3")]
    [InlineData("react@18.2.0-rc.next")]
    [InlineData("lodash@4.17.21.tgz")]
    [InlineData("getty@tty1.service")]
    [InlineData("q@k.transpose(1, 2)")]
    [InlineData("x@self.weight")]
    public void What_only_looks_like_mail_stays(string text) => Assert.Equal(text, PersonalData.Mask(text).Text);

    [Theory]
    [InlineData("jane@stones.org")]
    [InlineData("JANE.DOE@STONES.ORG")]
    [InlineData("mailto:jane@stones.org")]
    [InlineData("<jane+list@mail.stones.co.uk>")]
    [InlineData("jane@163.com")]
    [InlineData("ssh jane@host.stones.org")]
    [InlineData("jane@stones.org: hello")]
    [InlineData("jane@stones.org (Jane)")]
    [InlineData("digit.all@stones.org")]
    public void Mail_is_masked(string text)
    {
        Assert.Equal(1, PersonalData.Mask(text).Counts.Emails);
        Assert.DoesNotContain("stones.org", PersonalData.Mask(text).Text, StringComparison.OrdinalIgnoreCase);
    }
}
