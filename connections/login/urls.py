"""The addresses of logging in that answer otherwise than allauth's own, in front of which they stand."""

from django.urls import path

from connections.login import views

urlpatterns = [
    path("login/", views.LoginPage.as_view(), name="account_login"),
    path("reauthenticate/", views.ConfirmPage.as_view(), name="account_reauthenticate"),
    path("2fa/authenticate/", views.SecondStepPage.as_view(), name="mfa_authenticate"),
    path("2fa/reauthenticate/", views.ConfirmByCodePage.as_view(), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", views.ActivatePage.as_view(), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", views.DeactivatePage.as_view(), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", views.RecoveryCodesPage.as_view(), name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", views.NewRecoveryCodesPage.as_view(), name="mfa_generate_recovery_codes"),
    path("2fa/recovery-codes/download/", views.RecoveryCodesFile.as_view(), name="mfa_download_recovery_codes"),
    path("sign-ins/", views.sign_ins, name="sign_ins"),
]
