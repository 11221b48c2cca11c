using System.Diagnostics;
using CsCheck;
using Dolmen.Data.Privacy;
using Dolmen.Tests.Data.Filters;

namespace Dolmen.Tests.Data.Privacy;

public class PersonalDataMasking
{
    [Theory]
    [InlineData("Write to jane.doe+x@mail.example.co.uk.", "Write to email@example.com.")]
    [InlineData("a@b.com, c@d.org; e@f.net", "email@example.com, firstname.lastname@example.org; email@example.com")]
    [InlineData("메일은 hong@example.kr로 보내세요", "메일은 email@example.com로 보내세요")]
    [InlineData("(Ann@Site.DE)", "(email@example.com)")]
    [InlineData("email@example.com and firstname.lastname@example.org", "email@example.com and firstname.lastname@example.org")]
    [InlineData("@home a@b x@y.1 user@ .@a.com a.@b.com a@-b.com a@b..com", "@home a@b x@y.1 user@ .@a.com a.@b.com a@-b.com a@b..com")]
    public void Email_addresses_become_examples(string text, string masked) => Assert.Equal(masked, PersonalData.Mask(text).Text);

    [Theory]
    [InlineData("ping 8.8.8.8!", "ping 22.214.171.124!")]
    [InlineData("## 1.3.3.2. The mill\n\nSee 1.3.3.2 there", "## 1.3.3.2. The mill\n\nSee 22.214.171.124 there")]
    [InlineData("8.8.8.8 9.9.9.9", "22.214.171.124 126.96.36.199")]
    [InlineData("via 2001:4860:4860::8888.", "via 22.214.171.124.")]
    [InlineData("via 2001:4860:4860:0:0:0:0:8844 here", "via 22.214.171.124 here")]
    public void Public_addresses_are_replaced_in_turn(string text, string masked) => Assert.Equal(masked, PersonalData.Mask(text).Text);

    [Theory]
    [InlineData("10.0.0.1 172.16.0.1 172.31.9.9 192.168.1.1 127.0.0.1 169.254.1.1 100.64.0.1 224.0.0.1 0.1.2.3 255.255.255.255")]
    [InlineData("192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1")]
    [InlineData("version 1.2.3.4.5, 256.1.1.1, 1.2.3, 8.8.8.8a, 1234.1.1.1")]
    [InlineData("2001:db8::1 fe80::1 ::1 fd00::1 20:15:30 2020:10:10 at 2:30:00, 3:4:5:6")]
    [InlineData("22.214.171.124 126.96.36.199 188.8.131.52 184.108.40.206 220.127.116.11 18.104.22.168")]
    public void Other_dotted_numbers_stay(string text) => Assert.Equal(text, PersonalData.Mask(text).Text);

    [Theory]
    [InlineData("+82 10-1234-5678")]
    [InlineData("+49 (30) 1234567")]
    [InlineData("+442079460958")]
    [InlineData("(555) 234-5678")]
    [InlineData("555-234-5678")]
    [InlineData("1-800-555-0199")]
    [InlineData("010-1234-5678")]
    [InlineData("02-123-4567")]
    [InlineData("03-1234-5678")]
    [InlineData("01 23 45 67 89")]
    [InlineData("020 7946 0958")]
    [InlineData("0049 30 1234567")]
    [InlineData("0171/1234567")]
    [InlineData("13812345678")]
    public void Phone_numbers_go(string phone)
    {
        var (text, counts) = PersonalData.Mask($"Call {phone}, today.");
        Assert.Equal($"Call {PersonalData.PhonePlaceholder}, today.", text);
        Assert.Equal(new PersonalDataCounts(0, 0, 1, 0, 0), counts);
    }

    [Theory]
    [InlineData("4111 1111 1111 1111")]
    [InlineData("5555-5555-5555-4444")]
    [InlineData("378282246310005")]
    [InlineData("3782 822463 10005")]
    [InlineData("6011111111111117")]
    public void Card_numbers_go(string card)
    {
        var (text, counts) = PersonalData.Mask($"Card {card}.");
        Assert.Equal(($"Card {PersonalData.CardPlaceholder}.", 1), (text, counts.Cards));
    }

    [Theory]
    [InlineData("123-45-6789")] // United States
    [InlineData("900101-1234568")] // Korea
    [InlineData("86095742719")] // Germany
    [InlineData("86 095 742 719")]
    [InlineData("12345678Z")] // Spain
    [InlineData("X1234567L")]
    [InlineData("Y1234567-X")]
    [InlineData("1 85 05 78 006 084 91")] // France
    [InlineData("185057800608491")]
    [InlineData("11010519491231002X")] // China
    [InlineData("440524188001010014")]
    [InlineData("2341 2341 2346")] // India
    [InlineData("529.982.247-25")] // Brazil
    [InlineData("1234-5678-9018")] // Japan
    public void National_numbers_go(string id)
    {
        var (text, counts) = PersonalData.Mask($"Number {id}; more.");
        Assert.Equal(($"Number {PersonalData.NationalIdPlaceholder}; more.", 1), (text, counts.NationalIds));
    }

    [Theory]
    [InlineData("4111 1111 1111 1112")] // Luhn
    [InlineData("9111111111111111")] // no issuer
    [InlineData("666-45-6789")] // never issued
    [InlineData("123-00-6789")]
    [InlineData("900101-1234569")] // check digits
    [InlineData("901301-1234568")]
    [InlineData("86095742718")]
    [InlineData("12345678A")]
    [InlineData("X1234567M")]
    [InlineData("1 85 05 78 006 084 92")]
    [InlineData("11010519491231002")]
    [InlineData("2341 2341 2345")]
    [InlineData("529.982.247-26")]
    [InlineData("1234-5678-9019")]
    [InlineData("2020-01-15 12:30:45")] // what is not a number of anyone
    [InlineData("ISBN 978-3-16-148410-0")]
    [InlineData("0-306-40615-2")]
    [InlineData("3.14159265358979")]
    [InlineData("1,234,567,890")]
    [InlineData("1700000000")]
    [InlineData("SKU 555-234-5678A")]
    [InlineData("x555-234-5678")]
    [InlineData("12 345 678")]
    [InlineData("1998-2003, 2004-2010")]
    public void Other_numbers_stay(string text) => Assert.Equal(text, PersonalData.Mask(text).Text);

    [Fact]
    public void A_number_among_others_is_found() =>
        Assert.Equal($"In 2020 {PersonalData.PhonePlaceholder} and 3 of 4", PersonalData.Mask("In 2020 555-234-5678 and 3 of 4").Text);

    [Fact]
    public void Kinds_can_be_left_alone()
    {
        const string text = "a@b.com 8.8.8.8 555-234-5678 4111111111111111 123-45-6789";
        Assert.Equal(new PersonalDataCounts(1, 1, 1, 1, 1), PersonalData.Mask(text).Counts);
        Assert.Equal(text, PersonalData.Mask(text, new(false, false, false, false, false)).Text);
        Assert.Equal(new PersonalDataCounts(0, 0, 1, 0, 0), PersonalData.Mask(text, new(false, false, true, false, false)).Counts);
    }

    [Fact]
    public void A_text_without_any_is_the_same_object()
    {
        var text = "Nothing personal in 2020, nor in 1234567.";
        Assert.Same(text, PersonalData.Mask(text).Text);
    }

    [Theory]
    [InlineData("2001:4860:4860::8888a@b.co.2001:4860:4860::8888.the")]
    [InlineData("6-67@2001:4860:4860::8888.Za:2")]
    public void An_address_glued_to_a_name_makes_no_domain_of_it(string text)
    {
        var once = PersonalData.Mask(text).Text;
        Assert.Equal(once, PersonalData.Mask(once).Text);
    }

    [Fact]
    public void Masking_twice_changes_nothing_more() =>
        Gen.OneOf(Texts.Any, Gen.Char["0123456789 -./()+@:aXYZ"].Array[0, 60].Select(units => new string(units)))
            .Sample(
                text =>
                {
                    var (once, counts) = PersonalData.Mask(text);
                    var (twice, none) = PersonalData.Mask(once);
                    Assert.Equal(once, twice);
                    Assert.Equal(0, none.Total);
                    Assert.Equal(counts.Total == 0, ReferenceEquals(once, text));
                },
                iter: 1000
            );

    [Theory]
    [InlineData("1")]
    [InlineData("1 ")]
    [InlineData("@")]
    [InlineData("a@")]
    [InlineData("a.")]
    [InlineData("1:")]
    [InlineData("2001:")]
    [InlineData("1.1.")]
    [InlineData("+1-")]
    public void No_text_takes_more_than_linear_time(string piece)
    {
        // Quadratic time would be hours.
        var clock = Stopwatch.StartNew();
        PersonalData.Mask(Judged.Repeat(piece, 400_000 / piece.Length));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30));
    }
}
